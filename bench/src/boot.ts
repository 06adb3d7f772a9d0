/**
 * How soon a board is back after its power was: from the start of the packaged agent, by its own starter, until
 * it has its session with a real fleet server and until its guest serves. The guest was prepared before, as it
 * was before the power went, and the self-test was passed.
 *
 * Peers, in turns in the same run: the least program that makes the same session, with one bare worker
 * thread to run a guest in. The limit is a Node process that says one word.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { credentialsOf, Fleet, type Account } from './fleet.ts';
import { cpuMsOf } from './processes.ts';
import { median, type Figure, type Result } from './report.ts';

const ROUNDS = 9;
const WITHIN_MS = 60_000;
const MANIFEST =
  'world: reactor\nlimits: { memoryMiB: 1 }\ntriggers: { everyMs: 1000 }\nhealth: { soakMs: 500 }\n';
const PEER = fileURLToPath(new URL('peers/session.cjs', import.meta.url));
const PACKAGE = fileURLToPath(new URL('../../device-agent/package/main.ts', import.meta.url));
const PULSE = fileURLToPath(new URL('../../device-agent/bench/pulse/pulse.wasm', import.meta.url));

/** One start. */
interface Start {
  readonly connectedMs: number;
  readonly servesMs: number;
  /** Of the processor, until then, with all processes below. */
  readonly cpuMs: number;
}

type Samples = Record<'agent' | 'least' | 'idle', Start[]>;

/** What a process is started with, and the words that tell how far it has come, on which stream. */
interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly stream: 'stdout' | 'stderr';
  readonly connected: string;
  readonly serves: string;
}

/** Ends it as soon as it has told of both. */
async function started({ command, args, stream, connected, serves }: Program): Promise<Start> {
  const began = performance.now();
  const child = spawn(command, [...args], {
    stdio: 'pipe',
    env: { ...process.env, WAFER_NODE: process.execPath },
  });
  try {
    return await heard(child, child[stream], began, [connected, serves]);
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}

async function heard(
  child: ChildProcess,
  said: Readable,
  began: number,
  [connected, serves]: readonly [string, string],
): Promise<Start> {
  let connectedMs: number | undefined;
  let servesMs: number | undefined;
  const last: string[] = [];
  const timer = setTimeout(() => child.kill('SIGKILL'), WITHIN_MS);
  try {
    for await (const line of createInterface({ input: said })) {
      last.push(line);
      const ms = performance.now() - began;
      if (line.includes(connected)) connectedMs ??= ms;
      if (line.includes(serves)) servesMs ??= ms;
      if (connectedMs !== undefined && servesMs !== undefined) {
        return { connectedMs, servesMs, cpuMs: cpuMsOf(child.pid!) };
      }
    }
    throw new Error(`it ended before it was ready: ${last.slice(-5).join('\n')}`);
  } finally {
    clearTimeout(timer);
  }
}

/** The tree as it lies in /usr/lib on a board. */
async function packaged(out: string): Promise<string> {
  const child = spawn(process.execPath, [PACKAGE, '--out', out], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error('there is no package');
  return (JSON.parse(said.trim().split('\n').at(-1)!) as { folder: string }).folder;
}

const agentOf = (tree: string, { folder }: Account): Program => ({
  command: join(tree, 'bin/wafer-agent'),
  args: ['run', '--data', folder],
  stream: 'stderr',
  connected: '"message":"connected"',
  serves: '"message":"serves"',
});

function leastOf(fleet: Fleet, account: Account): Program {
  const connect = { ...fleet.broker, ...credentialsOf(account) };
  const argument = JSON.stringify({ connect, clientId: account.device, workers: 1 });
  const word = { stream: 'stdout', connected: 'ready', serves: 'ready' } as const;
  return { command: process.execPath, args: [PEER, argument], ...word };
}

const IDLE: Program = {
  command: process.execPath,
  args: ['--eval', "console.log('ready'); setInterval(() => undefined, 1000)"],
  stream: 'stdout',
  connected: 'ready',
  serves: 'ready',
};

function figures(samples: Samples): Figure[] {
  const of = (name: keyof Samples, part: keyof Start): number =>
    median(samples[name].map((one) => one[part]));
  const figure = (name: string, unit: string, part: keyof Start, times: number): Figure => ({
    name,
    unit,
    ours: of('agent', part),
    peers: { 'tls-mqtt-packet-and-a-bare-worker': of('least', part) },
    limit: of('idle', part),
    // Of the peer, as whole times are another on each machine.
    goal: of('least', part) * times,
    better: 'lower',
  });
  return [
    figure('until-connected', 'ms', 'connectedMs', 3),
    figure('until-a-guest-serves', 'ms', 'servesMs', 3),
    figure('processor', 'ms', 'cpuMs', 3),
  ];
}

export async function boot(rounds = ROUNDS): Promise<Result> {
  const fleet = new Fleet();
  try {
    await fleet.startServer();
    const tree = await packaged(join(fleet.folder, 'package'));
    await fleet.wafer('keys', 'init', '--no-passphrase', '--keys', join(fleet.folder, 'keys'));
    const board = await fleet.enrol('board');
    const manifest = join(fleet.folder, 'wafer.yaml');
    writeFileSync(manifest, MANIFEST);
    const release = ['--app', 'pulse', '--version', '1.0.0', '--channel', 'stable', '--manifest', manifest];
    await fleet.wafer('publish', PULSE, ...release);
    const agent = agentOf(tree, board);
    const first = await started(agent);
    // What is started again and again in its soak is taken for what makes the board fall.
    await started({ ...agent, serves: '"step":"settle"' });
    const least = leastOf(fleet, await fleet.enrol('least'));
    const samples: Samples = { agent: [], least: [], idle: [] };
    for (let round = 0; round < rounds; round += 1) {
      samples.agent.push(await started(agent));
      samples.least.push(await started(least));
      samples.idle.push(await started(IDLE));
    }
    return {
      bench: 'boot',
      workload: `the packaged agent with one component in C from its start, beside the least program with the same session; median of ${rounds} starts in turns; goals are three times what that takes`,
      figures: figures(samples),
      missing: {
        'container-engine': 'none is installed here; it would have to start before its first container does',
      },
      notes: [
        `the very first start, with the self-test, download and preparing: ${first.servesMs.toFixed(0)} ms until the guest served`,
      ],
    };
  } finally {
    await fleet.close();
  }
}
