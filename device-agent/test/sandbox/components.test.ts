/** Components that attack whatever makes them runnable: the transpiler, the disk, the bindings. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { Limits, Seconds } from '@wafer/protocol';
import { afterAll, beforeAll, expect } from 'vitest';
import { createPrepare } from '../../src/apps/prepare.ts';
import { Board, digestOf, faultOf, puppet } from '../apps/harness.ts';
import { attack } from './stage.ts';

let board: Board;
beforeAll(async () => {
  board = new Board(1);
  await board.install({ app: 'neighbour' });
}, 60_000);
afterAll(() => board.close());

/** The reason, without what all of them begin with. */
const told = (message: string): string =>
  `prepare: ${message
    .replace(/^.*can not be made runnable /, '')
    .replace(/\s+/g, ' ')
    .slice(0, 140)}`;

/** The agent is there and works, and nothing half-made is left. */
async function expectUp(): Promise<void> {
  expect(await board.ask('count', undefined, 'neighbour')).toHaveProperty('count');
  expect(readdirSync(join(board.folder, 'prepared')).filter((name) => name.startsWith('tmp-'))).toEqual([]);
}

/** Types that hold two of the type before, so that the last is as wide as two to the power of all. */
const wide = (levels: number): string => `(component
  ${Array.from({ length: levels }, (_, level) =>
    level === 0 ? '(type $t0 (tuple u8 u8))' : `(type $t${level} (tuple $t${level - 1} $t${level - 1}))`,
  ).join('\n')}
  (import "f" (func $f (param "a" $t${levels - 1})))
  (core module $m (memory (export "memory") 1) (func (export "r") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
  (core instance $i (instantiate $m))
  (core func $g (canon lower (func $f) (memory (core memory $i "memory")) (realloc (core func $i "r")))))`;

const HOSTILE: Readonly<Record<string, () => Promise<Uint8Array>>> = {
  'component that makes the transpiler panic': () =>
    parse('(component (import "m" (core module)) (core instance (instantiate 0)))'),
  'component whose types are two to the power of thirty wide': () => parse(wide(30)),
  'component with JavaScript for a name': () => {
    const name = "a'];globalThis.pwned=1;['";
    return parse(`(component (core module $m (func (export "${name}")))
      (core instance $i (instantiate $m)) (func (export "f") (canon lift (core func $i "${name}"))))`);
  },
  'component that is cut short': async () => puppet.subarray(0, 100_000),
  'core module in place of a component': async () => Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
};
for (const [name, make] of Object.entries(HOSTILE)) {
  attack(name, async () => {
    const fault = await faultOf(board.prepare(await make()));
    expect(fault.kind).toBe('prepare');
    expect(globalThis).not.toHaveProperty('pwned');
    await expectUp();
    return told(fault.message);
  });
}

attack('component that takes the transpiler more memory than it may have', async () => {
  const folder = join(board.folder, 'prepared');
  const prepare = createPrepare({ folder, memoryMiB: 12, timeLimit: Seconds(60) });
  // Other bytes of the same component: what was prepared before is not made again.
  const bytes = Buffer.concat([puppet, Buffer.from([0, 2, 1, 0x78])]);
  const fault = await faultOf(prepare(digestOf(bytes), bytes, Limits.parse({})));
  expect(fault.kind).toBe('prepare');
  expect(fault.message).toMatch(/memory|unreachable|SIGABRT|allocation/i);
  await expectUp();
  return `prepare: ${fault.message.split('\n')[0]!.slice(0, 100)}`;
});

attack('component other than the one that was ordered', async () => {
  const fault = await faultOf(
    board.runtime.prepare(digestOf(Buffer.from('other')), puppet, Limits.parse({})),
  );
  expect(fault.kind).toBe('digest');
  await expectUp();
  return 'digest';
});
