/**
 * A process that does nothing but swap: swaps.test.ts starts it, so that what the test runner allocates is
 * not in the figures. It replaces the one release of an app by the other, again and again, as an install
 * does: swap, a message to the one that serves now, settle. Now and then it notes what the process has
 * resident, and at the end it prints what came of it all.
 *
 *     node --expose-gc swapping.ts JOB
 */
import { readFileSync } from 'node:fs';
import { AppName, type Grants } from '@wafer/protocol';
import { Board, specOf } from '../apps/harness.ts';

export interface SwapJob {
  /** Paths of two components that take messages. */
  readonly components: readonly [string, string];
  readonly grants: Grants;
  readonly swaps: number;
  /** The resident memory is noted after each so many swaps. */
  readonly every: number;
}

export interface Swapped {
  readonly residentBytes: readonly number[];
  readonly lostCalls: number;
  readonly calls: number;
  readonly faults: readonly string[];
}

const { components, grants, swaps, every } = JSON.parse(process.argv[2] ?? '') as SwapJob;
const APP = AppName.parse('swapped');
const collectGarbage = globalThis.gc;
if (collectGarbage === undefined) throw new Error('start it with --expose-gc');

const board = new Board(2);
const releases = [];
for (const path of components) releases.push(await board.prepare(readFileSync(path)));

const residentBytes: number[] = [];
const faults: string[] = [];
let lostCalls = 0;
let calls = 0;
for (let swap = 1; swap <= swaps; swap += 1) {
  const prepared = releases[swap % 2]!;
  const spec = specOf(prepared.digest, { app: APP, version: `1.0.${swap}`, grants });
  const figures = await board.runtime.swap(spec, prepared);
  lostCalls += figures.lostCalls;
  await board.runtime.deliver(APP, 'do/work', new Uint8Array(64));
  await board.runtime.settle(APP);
  if (swap % every !== 0) continue;
  calls = board.runtime.health()[0]?.calls ?? 0;
  faults.push(...board.told.faults.map(({ fault }) => `${fault.kind}: ${fault.message}`));
  board.forget();
  await collectGarbage({ execution: 'async' });
  residentBytes.push(process.memoryUsage.rss());
}
await board.close();
const swapped: Swapped = { residentBytes, lostCalls, calls, faults };
process.stdout.write(JSON.stringify(swapped));
