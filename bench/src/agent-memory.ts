/**
 * What the agent takes of a small board's memory: the process that a user starts, in its session with a
 * real fleet server (TLS, MQTT), with one live component in C that has a turn every second; read after
 * ten minutes (`--minutes N` for another time).
 *
 * Peers, in the same run and as old: an idle Node process, which is the limit, for the agent is a Node
 * program; the least program that keeps the same session; and that one with one worker thread with
 * nothing in it, which is the least that can run a guest that may be ended in the middle of a loop, as
 * Node comes and with the agent's own settings of the engine and the allocator.
 *
 * Beside them the peak of the child that makes a component runnable, which is the most that a board has to
 * have free for an update.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { credentialsOf, Fleet, type Account } from './fleet.ts';
import { median, type Figure, type Result } from './report.ts';
import { partsOf, residentOf, type Resident } from './resident.ts';
import { transpilerPeak } from './transpiler.ts';

const MINUTES = 10;
const PEERS = fileURLToPath(new URL('peers', import.meta.url));
const PULSE = fileURLToPath(new URL('../../device-agent/bench/pulse/pulse.wasm', import.meta.url));

/** At the end, this many readings of each process, a second apart, in turns. */
const READINGS = 5;

type Name = 'agent' | 'idle' | 'session' | 'withWorker' | 'tuned';

/** How an engine and its allocator are told to behave. */
interface Settings {
  readonly flags: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Node's own. */
const DEFAULTS: Settings = { flags: [], env: {} };

/** What the running agent was started with. */
function settingsOf(pid: number): Settings {
  const read = (name: string): string[] => readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0');
  const variables = read('environ').filter((variable) => variable.startsWith('MALLOC_'));
  return {
    flags: read('cmdline').filter((part) => part.startsWith('--')),
    env: Object.fromEntries(variables.map((variable) => variable.split('=') as [string, string])),
  };
}

async function startPeer(
  file: string,
  argument?: object,
  { flags, env } = DEFAULTS,
): Promise<ChildProcessWithoutNullStreams> {
  const args = argument === undefined ? [] : [JSON.stringify(argument)];
  const child = spawn(process.execPath, [...flags, join(PEERS, file), ...args], {
    stdio: 'pipe',
    env: { ...process.env, ...env },
  });
  child.stderr.pipe(process.stderr);
  if (argument === undefined) return child;
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the peer ${file} ended`);
  });
  await Promise.race([once(child.stdout, 'data'), ended]);
  return child;
}

async function startSession(fleet: Fleet, account: Account, workers: number, settings = DEFAULTS) {
  const connect = { ...fleet.broker, ...credentialsOf(account) };
  return startPeer('session.cjs', { connect, clientId: account.device, workers }, settings);
}

/** Where the memory of the agent is, beside that of an idle Node. */
function notes(agent: number, idle: number): string[] {
  const of = (pid: number, who: string): string => {
    const { node, libraries, allocator, heaps } = partsOf(pid, process.execPath);
    const mb = (value: number): string => `${value.toFixed(1)} MB`;
    return `${who}: ${mb(node)} are pages of Node's program file, ${mb(libraries)} of the system's libraries, ${mb(heaps)} heaps of JavaScript and stacks, ${mb(allocator)} the allocator's`;
  };
  return [of(agent, 'the agent'), of(idle, 'an idle Node')];
}

function figures(readings: Readonly<Record<Name, readonly Resident[]>>): Figure[] {
  const of = (name: Name, part: keyof Resident): number => median(readings[name].map((one) => one[part]));
  const figure = (name: string, part: keyof Resident, goal: number): Figure => ({
    name,
    unit: 'MB',
    ours: of('agent', part),
    peers: {
      'idle-node': of('idle', part),
      'tls-and-mqtt-packet': of('session', part),
      'tls-mqtt-packet-and-a-bare-worker': of('withWorker', part),
      'the-same-with-the-agents-settings': of('tuned', part),
    },
    limit: of('idle', part),
    goal,
    better: 'lower',
  });
  return [
    figure('resident', 'all', 58),
    figure('resident-own', 'own', 30),
    figure('resident-of-files', 'file', 50),
  ];
}

/** `minutes` that the processes live before they are read. */
export async function agentMemory(minutes = MINUTES): Promise<Result> {
  const fleet = new Fleet();
  const peers: ChildProcessWithoutNullStreams[] = [];
  try {
    await fleet.startServer();
    await fleet.wafer('keys', 'init', '--no-passphrase', '--keys', join(fleet.folder, 'keys'));
    const transpiler = await transpilerPeak();
    const board = await fleet.enrol('board');
    const agent = await fleet.startBoard(board);
    await fleet.wafer('publish', PULSE, '--app', 'pulse', '--version', '1.0.0', '--channel', 'stable');
    await fleet.untilRunning(board, 'pulse');
    const [idle, session, withWorker, tuned] = await Promise.all([
      startPeer('idle.cjs'),
      fleet.enrol('first').then((account) => startSession(fleet, account, 0)),
      fleet.enrol('second').then((account) => startSession(fleet, account, 1)),
      fleet.enrol('third').then((account) => startSession(fleet, account, 1, settingsOf(agent))),
    ]);
    peers.push(idle, session, withWorker, tuned);
    await sleep(minutes * 60_000);
    const readings: Record<Name, Resident[]> = {
      agent: [],
      idle: [],
      session: [],
      withWorker: [],
      tuned: [],
    };
    for (let turn = 0; turn < READINGS; turn += 1) {
      readings.agent.push(residentOf(agent));
      readings.idle.push(residentOf(idle.pid!));
      readings.session.push(residentOf(session.pid!));
      readings.withWorker.push(residentOf(withWorker.pid!));
      readings.tuned.push(residentOf(tuned.pid!));
      await sleep(1000);
    }
    return {
      bench: 'agent-memory',
      workload: `one agent with TLS, MQTT and one live component in C that ticks every second, after ${minutes} minutes; MB of 2^20 bytes, median of ${READINGS} readings in turns; "own" is what no file has and nobody shares, "files" are pages of Node and its libraries`,
      figures: [...figures(readings), transpiler],
      missing: {},
      notes: notes(agent, idle.pid!),
    };
  } finally {
    for (const peer of peers) peer.stdin.end();
    await fleet.close();
  }
}
