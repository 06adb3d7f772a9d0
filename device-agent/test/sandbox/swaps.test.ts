/** Swapping without end: whatever an instance held of the host goes when it goes. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { temporaryFolder } from '../folder.ts';
import { reactor } from './handmade.ts';
import { attack } from './stage.ts';
import type { SwapJob, Swapped } from './swapping.ts';

const MIB = 1024 * 1024;
const SWAPPING = join(import.meta.dirname, 'swapping.ts');
/** Until caches are full, code is optimised and allocators have the room that they come back to. */
const WARM_UP = 2000;
const SWAPS = 10_000;
const EVERY = 100;
const MAX_GROWTH_BYTES = 2 * MIB;

/**
 * V8 lets the young generation of a heap grow to some 48 MB while there is garbage to hold, however little
 * lives, and an isolate comes there after thousands of swaps. Bounded, what grows is what was not given back.
 */
const FLAGS = ['--expose-gc', '--max-semi-space-size=1'];

/** By how much it ever rose above what it was before. */
const growthOf = (values: readonly number[]): number =>
  Math.max(...values.map((value, index) => value - Math.min(...values.slice(0, index + 1))));

const inMiB = (bytes: number): string => (bytes / MIB).toFixed(1);

async function swapping(job: SwapJob): Promise<Swapped> {
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, SWAPPING, JSON.stringify(job)]);
  return JSON.parse(stdout) as Swapped;
}

attack(
  '10,000 swaps of a guest with files, a store, the network and messages',
  async () => {
    const folder = await temporaryFolder();
    const path = (name: string): string => join(folder, name);
    mkdirSync(path('shared'));
    writeFileSync(path('one.wasm'), await reactor({ check: '(nop)' }));
    writeFileSync(path('two.wasm'), await reactor({ check: '(nop) (nop)' }));

    const swapped = await swapping({
      components: [path('one.wasm'), path('two.wasm')],
      grants: {
        clock: true,
        random: true,
        messaging: { publish: ['out/#'], subscribe: ['do/#'] },
        keyvalue: [{ store: 'default', maxBytes: 1000 }],
        http: [{ scheme: 'https', host: 'api.test', methods: ['GET'] }],
        filesystem: [{ host: path('shared'), guest: '/shared', access: 'write' }],
      },
      swaps: WARM_UP + SWAPS,
      every: EVERY,
    });

    expect(swapped).toMatchObject({ lostCalls: 0, calls: WARM_UP + SWAPS, faults: [] });
    const resident = swapped.residentBytes.slice(WARM_UP / EVERY);
    expect(resident).toHaveLength(SWAPS / EVERY);
    const growth = growthOf(resident);
    expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
    return `${inMiB(resident[0]!)} MiB resident, which grew by ${inMiB(growth)} MiB; no call was lost`;
  },
  240_000,
);
