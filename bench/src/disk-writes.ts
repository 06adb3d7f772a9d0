/**
 * What an agent at rest writes to a board's storage in a day, for cards wear out by writing: the process
 * that a user starts, in its session with a real fleet server, with one live component in C that has a turn
 * every second, and its health told every ten. Its time runs 60 times as fast (Debian's libfaketime), so
 * that ten minutes hold ten hours of it (`--minutes N` for another time), and what it does by the hour is in it.
 *
 * Peers, in the same run and the same time: a Node process that writes a state as long as the agent's, safely,
 * with every health report, as programs do that keep a state; and one that does nothing, which is the limit.
 * Bytes are those that Linux counts as written by the process, in pages of 4 KiB.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Fleet } from './fleet.ts';
import type { Result } from './report.ts';

const MINUTES = 10;
/** For what comes with a start: the session, metadata, the first report. */
const SETTLE_MS = 20_000;
const SPEED = 60;
/** In a time that runs so fast, a second is over before a busy machine has come to the guest. */
const MANIFEST = 'world: reactor\nlimits: { memoryMiB: 1, deadlineMs: 60000 }\ntriggers: { everyMs: 1000 }\n';
const DAY_MS = 86_400_000;
const REPORT_MS = 10_000;
const PEERS = fileURLToPath(new URL('peers', import.meta.url));
const PULSE = fileURLToPath(new URL('../../device-agent/bench/pulse/pulse.wasm', import.meta.url));

/** The environment of a process whose time runs fast. */
function fast(): Record<string, string> {
  const folders = readdirSync('/usr/lib').map((name) =>
    join('/usr/lib', name, 'faketime/libfaketimeMT.so.1'),
  );
  const library = folders.find((path) => existsSync(path));
  if (library === undefined) throw new Error('libfaketime is not installed: apt-get install libfaketime');
  return { LD_PRELOAD: library, FAKETIME: `+0 x${SPEED}`, NO_FAKE_STAT: '1' };
}

function writtenBy(pid: number): number {
  const found = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'));
  if (found === null) throw new Error('the system does not count what is written');
  return Number(found[1]);
}

function startPeer(file: string, ...args: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [join(PEERS, file), ...args], {
    stdio: 'pipe',
    env: { ...process.env, ...fast() },
  });
  child.stderr.pipe(process.stderr);
  return child;
}

/** As long as the agent's own; the longer of its two slots. */
const stateBytes = (folder: string): number =>
  Math.max(
    ...['state.a', 'state.b'].map(
      (name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0,
    ),
  );

const megabytes = (bytes: number): number => bytes / 1e6;

/** `minutes` of ours that it is watched for. */
export async function diskWrites(minutes = MINUTES): Promise<Result> {
  const fleet = new Fleet();
  const peers: ChildProcessWithoutNullStreams[] = [];
  try {
    await fleet.startServer();
    await fleet.wafer('keys', 'init', '--no-passphrase', '--keys', join(fleet.folder, 'keys'));
    const board = await fleet.enrol('board');
    const first = await fleet.startBoard(board);
    const manifest = join(fleet.folder, 'wafer.yaml');
    writeFileSync(manifest, MANIFEST);
    const release = ['--app', 'pulse', '--version', '1.0.0', '--channel', 'stable', '--manifest', manifest];
    await fleet.wafer('publish', PULSE, ...release);
    await fleet.untilRunning(board, 'pulse');
    await fleet.stop(first);
    const agent = await fleet.startBoard(board, fast());
    const size = stateBytes(board.folder);
    const naive = startPeer('state.cjs', join(fleet.folder, 'state.json'), String(size), String(REPORT_MS));
    const idle = startPeer('idle.cjs');
    peers.push(naive, idle);
    await sleep(SETTLE_MS);
    const pids = [agent, naive.pid!, idle.pid!];
    const before = pids.map(writtenBy);
    const began = performance.now();
    await sleep(minutes * 60_000);
    const livedMs = (performance.now() - began) * SPEED;
    const [ours = NaN, state = NaN, none = NaN] = pids.map(
      (pid, index) => megabytes((writtenBy(pid) - before[index]!) * DAY_MS) / livedMs,
    );
    const hours = (livedMs / 3_600_000).toFixed(1);
    return {
      bench: 'disk-writes',
      workload: `one agent with TLS, MQTT and one live component in C that ticks every second, health every 10 s; ${hours} hours of its time, at ${SPEED} times the speed, as a day; MB of 10^6 bytes`,
      figures: [
        {
          name: 'written-per-day',
          unit: 'MB',
          ours,
          peers: { 'state-with-every-report': state },
          limit: none,
          goal: 1,
          better: 'lower',
        },
      ],
      missing: {
        'container-engine': 'none is installed here; its log driver alone writes every line of an app',
      },
      notes: [`the state that the peer writes has ${size} bytes, like the agent's`],
    };
  } finally {
    for (const peer of peers) peer.stdin.end();
    await fleet.close();
  }
}
