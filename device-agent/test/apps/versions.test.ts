/** WASI 0.2 in every version that there is: imports and exports are linked alike. */
import {
  componentEmbed,
  componentNew,
  componentWit,
  parse,
} from '@bytecodealliance/jco-transpile/wasm-tools';
import { AppName, refusals } from '@wafer/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Board } from './harness.ts';

const VERSIONS = Array.from({ length: 13 }, (_, patch) => `0.2.${patch}`);

let board: Board;
beforeAll(() => void (board = new Board(1)));
afterAll(() => board.close());

const IMPORTS = ['wasi:random/random', 'wasi:clocks/monotonic-clock', 'wasi:cli/environment'];

/** A command that succeeds if what it imports answers as it should. */
async function component(version: string): Promise<Uint8Array> {
  const witSource = `package fixture:versions;
package wasi:random@${version} { interface random { get-random-u64: func() -> u64; } }
package wasi:clocks@${version} { interface monotonic-clock { now: func() -> u64; } }
package wasi:cli@${version} {
  interface run { run: func() -> result; }
  interface environment { initial-cwd: func() -> option<string>; }
}
world all {
  ${IMPORTS.map((name) => `import ${name}@${version};`).join(' ')}
  export wasi:cli/run@${version};
}`;
  const binary = await parse(`(module
    (import "wasi:random/random@${version}" "get-random-u64" (func $random (result i64)))
    (import "wasi:clocks/monotonic-clock@${version}" "now" (func $now (result i64)))
    (import "wasi:cli/environment@${version}" "initial-cwd" (func $cwd (param i32)))
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
    (func (export "wasi:cli/run@${version}#run") (result i32)
      (if (i64.eq (call $random) (call $random)) (then (return (i32.const 1))))
      (if (i64.eqz (call $now)) (then (return (i32.const 1))))
      (i32.store (i32.const 1024) (i32.const 7))
      (call $cwd (i32.const 1024))
      (i32.load8_u (i32.const 1024))))`);
  return componentNew(await componentEmbed({ binary, witSource, world: 'all' }));
}

it.each(VERSIONS)(
  'a command that imports and exports %s is admitted and run',
  async (version) => {
    const bytes = await component(version);
    expect(await componentWit(bytes)).toContain(`wasi:random/random@${version}`);
    expect(
      refusals(
        IMPORTS.map((name) => `${name}@${version}`),
        { clock: true, random: true },
      ),
    ).toEqual([]);
    await board.install(
      {
        app: 'versions',
        version,
        world: 'command',
        grants: { clock: true, random: true },
        exports: [`wasi:cli/run@${version}`],
      },
      bytes,
    );
    await board.runtime.probe(AppName.parse('versions'));
    expect(board.told.faults).toEqual([]);
  },
  30_000,
);
