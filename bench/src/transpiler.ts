/** The most memory that making a component runnable takes, beside jco's own program for the same component. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median, type Figure } from './report.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PREPARE = join(ROOT, 'device-agent/bench/prepare.ts');
const JCO = join(ROOT, 'node_modules/@bytecodealliance/jco/dist/jco.js');
const COMPONENT = join(ROOT, 'examples/thermo/thermo-1.1.0.wasm');
const ROUNDS = 5;
const LOOK_MS = 3;

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** MB of 2^20 bytes that a process held at most so far; 0 when it is gone. */
const peakOf = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;

const childrenOf = (pid: number): number[] =>
  read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);

/** The highest peak of the processes that `whose` names, until `args` has ended. */
async function peakDuring(args: readonly string[], whose: (pid: number) => number[]): Promise<number> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit') as Promise<[number]>;
  let isOver = false;
  void ended.then(() => (isOver = true));
  let most = 0;
  while (!isOver) {
    most = Math.max(most, ...whose(child.pid!).map(peakOf));
    await sleep(LOOK_MS);
  }
  const [code] = await ended;
  if (code !== 0) throw new Error(`${args[0]} ended with exit code ${code}`);
  return most;
}

export async function transpilerPeak(): Promise<Figure> {
  const folder = mkdtempSync(join(tmpdir(), 'wafer-bench-'));
  const peaks: Record<'ours' | 'jco' | 'idle', number[]> = { ours: [], jco: [], idle: [] };
  const itself = (pid: number): number[] => [pid];
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const out = join(folder, `${round}`);
      peaks.ours.push(await peakDuring([PREPARE, `${out}-ours`, COMPONENT], childrenOf));
      peaks.jco.push(await peakDuring([JCO, 'transpile', COMPONENT, '-o', `${out}-jco`], itself));
      peaks.idle.push(await peakDuring(['-e', 'setTimeout(() => {}, 200)'], itself));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    name: 'transpiler-peak',
    unit: 'MB',
    ours: median(peaks.ours),
    peers: { 'jco-transpile': median(peaks.jco) },
    limit: median(peaks.idle),
    goal: 240,
    better: 'lower',
  };
}
