/**
 * What planning costs: a rollout over a million devices in four waves, planned to its end on one core, without
 * any database. The peer holds an object a device and visits all of them at each look; the limit only
 * sorts as many numbers.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { median, type Result } from './report.ts';

const run = promisify(execFile);
const PLANNER = fileURLToPath(new URL('../../server/bench/planner.ts', import.meta.url));
const ROUNDS = 5;
const DEVICES = 1_000_000;
const KINDS = ['ours', 'objects', 'sort'] as const;

interface Reading {
  readonly seconds: number;
  readonly megabytes: number;
  readonly looks: number;
  readonly started: number;
}

async function measure(kind: (typeof KINDS)[number]): Promise<Reading> {
  const task = JSON.stringify({ kind, devices: DEVICES });
  const { stdout } = await run(process.execPath, ['--expose-gc', PLANNER, task]);
  const reading = JSON.parse(stdout) as Reading;
  if (reading.started !== DEVICES)
    throw new Error(`${kind} started ${reading.started} of ${DEVICES} devices`);
  return reading;
}

export async function planner(): Promise<Result> {
  const readings: Record<(typeof KINDS)[number], Reading[]> = { ours: [], objects: [], sort: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const kind of KINDS) readings[kind].push(await measure(kind));
  }
  const of = (kind: (typeof KINDS)[number], name: keyof Reading): number =>
    median(readings[kind].map((reading) => reading[name]));
  return {
    bench: 'planner',
    workload: `a rollout of ${DEVICES} devices in waves of 5 of each architecture, 1, 10 and 100 %, 10,000 in flight, planned to its end on one core; ${ROUNDS} interleaved rounds, median; MB of 2^20 bytes beyond the list of devices`,
    figures: [
      {
        name: 'planner-seconds',
        unit: 's',
        ours: of('ours', 'seconds'),
        peers: { 'object-per-device': of('objects', 'seconds') },
        limit: of('sort', 'seconds'),
        goal: 2,
        better: 'lower',
      },
      {
        name: 'planner-memory',
        unit: 'MB',
        ours: of('ours', 'megabytes'),
        peers: { 'object-per-device': of('objects', 'megabytes') },
        limit: of('sort', 'megabytes'),
        goal: 64,
        better: 'lower',
      },
    ],
    missing: {},
    notes: [`looks: ours ${of('ours', 'looks')}, object-per-device ${of('objects', 'looks')}`],
  };
}
