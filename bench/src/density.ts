/**
 * How many components a board can hold: 5,000 instances of one small component in C, live in the app
 * host, each with a turn every second.
 *
 * The peer is a worker thread for each instance, which is what one would run without shared isolates. So
 * many threads do not fit: it is measured on 100, and its figure for 5,000 is an estimate, an idle Node
 * process and 50 times what the 100 took beyond that. The limit is that many bare instances of the same
 * core module in one thread, with nothing around them.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { median, type Result } from './report.ts';
import { residentOf } from './resident.ts';

const HOST = fileURLToPath(new URL('../../device-agent/bench/density.ts', import.meta.url));
const IDLE = fileURLToPath(new URL('peers/idle.cjs', import.meta.url));
const ROUNDS = 5;
const COUNT = 5000;
const WORKERS = 100;

type Kind = 'ours' | 'worker' | 'core';

interface Reading {
  readonly residentMb: number;
  readonly cpuShare: number;
  readonly calls: number;
  readonly seconds: number;
  readonly faults: number;
}

/** One process from its start to its reading. Rejects when it ends before. */
async function measure(kind: Kind, count: number): Promise<Reading> {
  const child = spawn(process.execPath, [HOST, JSON.stringify({ kind, count })], { stdio: 'pipe' });
  child.stderr.pipe(process.stderr);
  const ended = once(child, 'exit');
  const failed = ended.then(() => {
    throw new Error(`the process with ${count} instances (${kind}) ended`);
  });
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), failed])) as [string];
  child.stdin.end();
  await ended;
  const reading = JSON.parse(line) as Reading;
  // What is not called, or fails, is not live.
  if (reading.faults > 0 || reading.calls < 0.9 * count * reading.seconds) {
    throw new Error(`of ${count} instances (${kind}) not all were called once a second: ${line}`);
  }
  return reading;
}

async function idleMb(): Promise<number> {
  const child = spawn(process.execPath, [IDLE], { stdio: 'pipe' });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { all } = residentOf(child.pid!);
  const ended = once(child, 'exit');
  child.stdin.end();
  await ended;
  return all;
}

export async function density(): Promise<Result> {
  const readings: Record<Kind, Reading[]> = { ours: [], worker: [], core: [] };
  const idle: number[] = [];
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    readings.ours.push(await measure('ours', COUNT));
    readings.worker.push(await measure('worker', WORKERS));
    readings.core.push(await measure('core', COUNT));
    idle.push(await idleMb());
  }
  const of = (kind: Kind, value: (reading: Reading) => number): number => median(readings[kind].map(value));
  const resident = (kind: Kind): number => of(kind, ({ residentMb }) => residentMb);
  const base = median(idle);
  const perWorkerMb = (resident('worker') - base) / WORKERS;
  return {
    bench: 'density',
    workload: `${COUNT} live instances of one component in C (64 KiB of memory each) in two isolates, each called once a second; ${ROUNDS} interleaved rounds, median; MB of 2^20 bytes. A worker thread per component measured on ${WORKERS}: ${resident('worker').toFixed(0)} MB, so its figures for ${COUNT} are estimates`,
    figures: [
      {
        name: 'resident-5000',
        unit: 'MB',
        ours: resident('ours'),
        peers: { 'worker-per-component-estimate': base + perWorkerMb * COUNT },
        limit: resident('core'),
        goal: 400,
        better: 'lower',
      },
      {
        name: 'resident-per-instance',
        unit: 'KB',
        ours: ((resident('ours') - base) / COUNT) * 1024,
        peers: { 'worker-per-component': perWorkerMb * 1024 },
        limit: ((resident('core') - base) / COUNT) * 1024,
        goal: (400 / COUNT) * 1024,
        better: 'lower',
      },
      {
        name: 'cpu-per-call',
        unit: 'µs',
        ours: of('ours', ({ cpuShare, calls, seconds }) => (cpuShare * 1e6 * seconds) / calls),
        peers: {
          'worker-per-component': of(
            'worker',
            ({ cpuShare, calls, seconds }) => (cpuShare * 1e6 * seconds) / calls,
          ),
        },
        limit: of('core', ({ cpuShare, calls, seconds }) => (cpuShare * 1e6 * seconds) / calls),
        goal: 100,
        better: 'lower',
      },
    ],
    missing: {},
  };
}
