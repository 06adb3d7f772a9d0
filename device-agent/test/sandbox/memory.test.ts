/** Growing: linear memory, tables, the stack, and what the host holds for a guest. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { AppName, type Grants } from '@wafer/protocol';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { Board, faultOf } from '../apps/harness.ts';
import { again, reactor, type Bodies } from './handmade.ts';
import { attack, freshApp, Stage } from './stage.ts';

const MIB = 1024 * 1024;
const GRANTS: Grants = { clock: true, messaging: { publish: [], subscribe: ['#'] } };

let board: Board;
let app: string;
beforeAll(() => {
  board = new Board();
});
afterAll(() => board.close());
afterEach(() => board.runtime.stop(AppName.parse(app)));

async function enter(bodies: Bodies, memoryMiB = 32): Promise<void> {
  app = freshApp();
  const limits = { memoryMiB, deadlineMs: 10_000 };
  await board.install({ app, grants: GRANTS, limits }, await reactor(bodies));
}

const call = () => board.runtime.deliver(AppName.parse(app), 'x', new Uint8Array());
const usedBytes = (): number => board.runtime.health().find((one) => one.app === app)!.memoryBytes;

/** Makes the call, which must fail, and answers its fault, and by how much the process grew, bytes. */
async function failing() {
  const before = process.memoryUsage().rss;
  const fault = await faultOf(call());
  return { fault, grew: process.memoryUsage().rss - before };
}

/** Grows as far as it can, in steps of so many pages, touches every page, and traps. */
const growing = (pages: number, memory = '$m'): string => `
  (loop $more
    (local.set $page (memory.size ${memory}))
    (br_if 1 (i32.eq (memory.grow ${memory} (i32.const ${pages})) (i32.const -1)))
    (memory.fill ${memory} (i32.mul (local.get $page) (i32.const 65536)) (i32.const 1) (i32.const ${pages * 65_536}))
    (br $more))`;
const MEMORY = '(memory $m (export "memory") 2)';

attack('memory grown in one step', async () => {
  await enter({
    memory: MEMORY,
    handle: `(if (i32.ne (memory.grow (i32.const 30000)) (i32.const -1))
      (then (memory.fill (i32.const 0) (i32.const 1) (i32.const 1966080000))))
      (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then (return (i32.const 1024))))`,
  });
  const before = process.memoryUsage().rss;
  await call();
  expect(usedBytes()).toBe(3 * 65_536);
  expect(process.memoryUsage().rss - before).toBeLessThan(16 * MIB);
  return 'memory.grow answers -1';
});

attack('memory grown in many steps', async () => {
  await enter({ memory: MEMORY, handle: `(local $page i32) (block ${growing(16)}) (unreachable)` });
  const { fault, grew } = await failing();
  expect(fault).toMatchObject({ kind: 'memory-limit', subject: 'memoryMiB' });
  expect(grew).toBeLessThan(48 * MIB);
  return 'memory-limit: 32 MiB';
});

attack('several memories in one module', async () => {
  const names = Array.from({ length: 8 }, (_, index) => `$m${index}`);
  const memory = `${MEMORY} ${names.map((name) => `(memory ${name} 1)`).join(' ')}`;
  const fault = await faultOf(enter({ memory }));
  expect(fault.kind).toBe('prepare');
  expect(fault.message).toContain('multiple memories');
  return 'prepare: the transpiler takes no such modules';
});

attack('several memories in several modules, each grown', async () => {
  app = freshApp();
  const indexes = Array.from({ length: 8 }, (_, index) => index);
  const bytes = await parse(`(component
    (core module $grower ${MEMORY} (func (export "grow") (local $page i32) (block ${growing(4)})))
    ${indexes.map((index) => `(core instance $g${index} (instantiate $grower))`).join('\n')}
    (core module $main
      ${indexes.map((index) => `(import "g${index}" "grow" (func $grow${index}))`).join('\n')}
      (func (export "run") (result i32)
        ${indexes.map((index) => `(call $grow${index})`).join(' ')} (unreachable)))
    (core instance $main (instantiate $main
      ${indexes.map((index) => `(with "g${index}" (instance $g${index}))`).join('\n')}))
    (func $run (result (result)) (canon lift (core func $main "run")))
    (component $face (import "run" (func $run (result (result)))) (export "run" (func $run)))
    (instance $face (instantiate $face (with "run" (func $run))))
    (export "wasi:cli/run@0.2.6" (instance $face)))`);
  const before = process.memoryUsage().rss;
  const limits = { memoryMiB: 32, deadlineMs: 10_000 };
  const fault = await faultOf(board.install({ app, world: 'command', limits }, bytes));
  expect(fault).toMatchObject({ kind: 'memory-limit', subject: 'memoryMiB' });
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
  return 'memory-limit: 32 MiB for all of them';
});

const COLLECTED: Readonly<Record<string, Bodies>> = {
  'many arrays, each held by the one before': {
    more: `(type $array (array (mut i64)))
      (type $held (struct (field (ref null $held)) (field (ref null $array))))
      (global $last (mut (ref null $held)) (ref.null $held))`,
    handle: again(
      '(global.set $last (struct.new $held (global.get $last) (array.new_default $array (i32.const 10000))))',
    ),
  },
  'one array of 1 GB': {
    more: '(type $array (array (mut i64)))',
    handle: '(drop (array.new_default $array (i32.const 130000000)))',
  },
};
for (const [name, bodies] of Object.entries(COLLECTED)) {
  attack(`memory of the engine's own: ${name}`, async () => {
    const before = process.memoryUsage().rss;
    const fault = await faultOf(enter(bodies));
    expect(fault.kind).toBe('prepare');
    expect(fault.message).toContain('garbage-collected (struct, array)');
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
    return 'prepare: types that are garbage-collected are not taken';
  });
}

attack('memory that begins over the limit', async () => {
  app = freshApp();
  const fault = await faultOf(enter({ memory: '(memory (export "memory") 1024)' }));
  expect(fault).toMatchObject({ kind: 'memory-limit' });
  return `memory-limit: ${fault.subject}`;
});

attack('table growth', async () => {
  await enter({
    more: '(table $t 1 externref) (global $grown (mut i32) (i32.const 0))',
    handle: `(block (loop
      (br_if 1 (i32.eq (table.grow $t (ref.null extern) (i32.const 10000)) (i32.const -1)))
      (br 0)))
      (if (i32.gt_u (table.size $t) (i32.const 262144)) (then (return (i32.const 1024))))
      (unreachable)`,
  });
  const { fault, grew } = await failing();
  expect(fault.kind).toBe('trap');
  expect(grew).toBeLessThan(32 * MIB);
  return 'table.grow answers -1';
});

attack('deep recursion', async () => {
  await enter({
    more: '(func $down (param i32) (call $down (local.get 0)) (call $down (i32.const 1)))',
    handle: '(call $down (i32.const 0))',
  });
  const { fault, grew } = await failing();
  expect(fault.kind).toBe('trap');
  expect(fault.message).toContain('Maximum call stack size exceeded');
  expect(grew).toBeLessThan(32 * MIB);
  return 'trap: Maximum call stack size exceeded';
});

const WIDE = '(memory (export "memory") 400)';
const FILLED = '(memory.fill (i32.const 65536) (i32.const 65) (i32.const 26000000))';
const HOST_MEMORY: Readonly<Record<string, Bodies>> = {
  'handles that are never dropped: pollables': { handle: again('(drop (call $pollable (i64.const 1)))') },
  'handles that are never dropped: streams': { handle: again('(drop (call $stdout))') },
  'text of 25 MB in an argument': {
    memory: WIDE,
    handle:
      FILLED +
      again(
        '(call $log (i32.const 2) (i32.const 65536) (i32.const 25000000) (i32.const 65536) (i32.const 25000000))',
      ),
  },
  'list of 1,600,000 elements in an argument': {
    memory: WIDE,
    handle:
      '(call $metadata (call $message (i32.const 0) (i32.const 1)) (i32.const 65536) (i32.const 1600000))',
  },
  'list of 6,000,000 handles, all the same one': {
    memory: WIDE,
    handle: `(local $i i32) (local $handle i32)
      (local.set $handle (call $pollable (i64.const 0)))
      (local.set $i (i32.const 65536))
      (loop (i32.store (local.get $i) (local.get $handle))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br_if 0 (i32.lt_u (local.get $i) (i32.const 24065536))))
      (call $poll (i32.const 65536) (i32.const 6000000) (i32.const 2048))`,
  },
  'list of 60,000 texts, all the same megabyte': {
    memory: WIDE,
    handle: `(local $i i32)
      (local.set $i (i32.const 65536))
      (memory.fill (i32.const 4194304) (i32.const 97) (i32.const 1048576))
      (loop (i32.store (local.get $i) (i32.const 4194304))
        (i32.store offset=4 (local.get $i) (i32.const 1048576))
        (local.set $i (i32.add (local.get $i) (i32.const 8)))
        (br_if 0 (i32.lt_u (local.get $i) (i32.const 1025536))))
      (call $metadata (call $message (i32.const 0) (i32.const 1)) (i32.const 65536) (i32.const 60000))`,
  },
  'messages that are never sent': {
    memory: WIDE,
    handle: again('(drop (call $message (i32.const 0) (i32.const 65536)))'),
  },
};
for (const [name, bodies] of Object.entries(HOST_MEMORY)) {
  attack(`memory of the host: ${name}`, async () => {
    await enter(bodies);
    const { fault, grew } = await failing();
    expect(fault.kind).toBe('memory-limit');
    expect(grew).toBeLessThan(96 * MIB);
    return `memory-limit: ${fault.subject}`;
  });
}

attack('handles of nobody', async () => {
  await enter({ handle: '(drop (call $sync (i32.const 7)))' });
  const [one, two] = [
    await failing(),
    (await enter({ handle: '(drop (call $write (i32.const -1) (i32.const 0) (i32.const 1)))' }),
    await failing()),
  ];
  expect([one.fault.kind, two.fault.kind]).toEqual(['trap', 'trap']);
  return 'trap: unknown handle';
});

attack('memory of a guest in JavaScript', async () => {
  const stage = new Stage();
  try {
    await stage.install({ limits: { memoryMiB: 16, deadlineMs: 10_000 } });
    const fault = await faultOf(stage.deliver('grow'));
    expect(fault.kind).toBe('memory-limit');
    expect(fault.message).toContain('out of memory');
    return 'memory-limit: 16 MiB';
  } finally {
    await stage.close();
  }
});
