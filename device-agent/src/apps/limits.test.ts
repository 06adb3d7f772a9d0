import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { describe, expect, it } from 'vitest';
import { FaultError } from '@wafer/protocol';
import { MalformedModule } from '@wafer/protocol/wasm/binary';
import { boundModules, MAX_TABLE_ENTRIES, shareOut } from './limits.ts';
import { readShape } from '@wafer/protocol/wasm/shape';

const core = async (wat: string, instances = 1, name = 'core.wasm') => ({
  name,
  bytes: await parse(wat),
  instances,
});

const kindOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof FaultError) return error.fault.kind;
    throw error;
  }
  throw new Error('it did not fail');
};

interface Growing {
  readonly grow: (pages: number) => number;
}

/** A module whose memory its only function grows. */
const growing = (memory: string) => `(module (memory (export "memory") ${memory})
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`;

const instance = (bytes: Uint8Array<ArrayBuffer>, imports = {}) =>
  new WebAssembly.Instance(new WebAssembly.Module(bytes), imports).exports;

describe('the memory limit', () => {
  it.each([
    ['without a maximum', '1', 32],
    ['with a maximum above the limit', '1 65536', 32],
    ['with a maximum below the limit', '1 4', 4],
  ])('is written into a memory %s, and growth stops there', async (_, memory, most) => {
    const [bounded] = boundModules([await core(growing(memory))], 2);
    const { grow } = instance(bounded!.bytes) as unknown as Growing;
    expect(grow(most - 1)).toBe(1);
    expect(grow(1)).toBe(-1);
    expect(bounded!.memoryBytes).toBe(most * 65_536);
  });

  it('stands in every module of a component, and all together stay within it', async () => {
    const modules = [
      await core(growing('1'), 1, 'a'),
      await core(growing('4'), 1, 'b'),
      await core(growing('1'), 3, 'c'),
    ];
    const bounded = boundModules(modules, 2);
    for (const { bytes } of bounded) {
      expect(readShape(bytes).memories.every(({ max }) => max !== undefined)).toBe(true);
    }
    const total = bounded.reduce((sum, { memoryBytes, instances }) => sum + memoryBytes * instances, 0);
    expect(total).toBeLessThanOrEqual(2 * 1024 * 1024);
    expect(total).toBeGreaterThan(1.7 * 1024 * 1024);
  });

  it('counts a module that is instantiated many times as often', async () => {
    const module = await core(growing('2'), 20);
    expect(kindOf(() => boundModules([module], 2))).toBe('memory-limit');
  });

  it('refuses an initial memory above it', async () => {
    const module = await core(growing('33'));
    expect(kindOf(() => boundModules([module], 2))).toBe('memory-limit');
  });

  it('lets a module import what another one exports', async () => {
    const modules = [
      await core('(module (memory (export "memory") 1))', 1, 'a'),
      await core('(module (import "a" "memory" (memory 1)) (memory 1))', 1, 'b'),
      await core('(module (import "a" "memory" (memory 0 65536)))', 1, 'c'),
    ];
    const [a, b, c] = boundModules(modules, 1);
    const exported = instance(a!.bytes);
    expect(() => instance(b!.bytes, { a: exported })).not.toThrow();
    expect(() => instance(c!.bytes, { a: exported })).not.toThrow();
    expect(readShape(b!.bytes).memories[0]).toMatchObject({ isImported: true, max: 16n });
  });

  it('holds for 64-bit memories', async () => {
    const module = await core('(module (memory i64 1))');
    const [bounded] = boundModules([module], 1);
    expect(readShape(bounded!.bytes).memories).toEqual([{ isImported: false, min: 1n, max: 16n }]);
  });

  it('refuses memories that threads share', async () => {
    const module = await core('(module (memory 1 2 shared))');
    expect(() => boundModules([module], 1)).toThrow(MalformedModule);
  });
});

describe('the table limit', () => {
  it('stops growth, with initial values too', async () => {
    const wat = `(module (table (export "t") 1 externref) (table 2 funcref (ref.func $f)) (func $f)
      (func (export "grow") (param i32) (result i32) (table.grow 0 (ref.null extern) (local.get 0))))`;
    const [bounded] = boundModules([await core(wat)], 1);
    const shape = readShape(bounded!.bytes);
    expect(shape.tables.reduce((sum, { max }) => sum + max!, 0n)).toBeLessThanOrEqual(MAX_TABLE_ENTRIES);
    const { grow } = instance(bounded!.bytes) as unknown as Growing;
    expect(grow(Number(MAX_TABLE_ENTRIES))).toBe(-1);
    expect(grow(10)).toBe(1);
  });

  it('refuses tables that begin above it', async () => {
    const module = await core('(module (table 300000 funcref))');
    expect(kindOf(() => boundModules([module], 1))).toBe('memory-limit');
  });
});

describe('a core module', () => {
  it('keeps everything else as it was', async () => {
    const wat = `(module (import "m" "f" (func $f (param i32) (result i32))) (import "m" "g" (global i32))
      (memory (export "memory") 1) (data (i32.const 8) "abc") (global (export "h") i32 (i32.const 7))
      (func (export "call") (result i32) (call $f (i32.load8_u (i32.const 9)))))`;
    const [bounded] = boundModules([await core(wat)], 1);
    const { call } = instance(bounded!.bytes, {
      m: { f: (value: number) => value + 1, g: 1 },
    }) as unknown as {
      readonly call: () => number;
    };
    expect(call()).toBe('b'.charCodeAt(0) + 1);
  });

  it.each([
    ['a quote', `a'b`],
    ['a backslash', String.raw`a\\b`],
    ['a backtick', 'a`b'],
    ['a newline', String.raw`a\nb`],
    ['a line separator', String.raw`a\u{2028}b`],
    ['a double quote', String.raw`a\22b`],
  ])('with %s in a name is refused, since names end up in JavaScript', async (_, name) => {
    const exported = await core(`(module (func (export "${name}")))`);
    const imported = await core(`(module (import "m" "${name}" (func)))`);
    expect(() => boundModules([exported], 1)).toThrow(MalformedModule);
    expect(() => boundModules([imported], 1)).toThrow(MalformedModule);
  });

  it.each([
    ['a struct', '(type (struct (field i32)))'],
    ['an array', '(type (array (mut i8)))'],
    ['an array in a recursive group', '(rec (type (func)) (type (array i64)))'],
    ['a struct with subtypes', '(type (sub (struct)))'],
  ])('with %s is refused, since the memory of such can not be bounded', async (_, type) => {
    const module = await core(`(module ${type})`);
    expect(() => boundModules([module], 1)).toThrow('garbage-collected');
  });

  it('may have function types of every kind', async () => {
    const types = `(type $f (func (param (ref null func) externref) (result i64 v128)))
      (rec (type (sub (func (param (ref null $f))))) (type (func)))
      (type (sub final (func)))`;
    const [bounded] = boundModules([await core(`(module ${types} (func (export "run")))`)], 1);
    expect(WebAssembly.validate(bounded!.bytes)).toBe(true);
  });

  it('that is cut short anywhere is refused and never read past its end', async () => {
    const { bytes } = await core(growing('1 2'));
    for (let length = 1; length < bytes.length; length += 1) {
      const cut = { name: 'cut', bytes: bytes.slice(0, length), instances: 1 };
      const thrown = ((): unknown => {
        try {
          return void boundModules([cut], 1);
        } catch (error) {
          return error;
        }
      })();
      // Cut between two sections it is still made of whole sections.
      expect(thrown === undefined || thrown instanceof MalformedModule).toBe(true);
    }
  });
});

describe('shareOut', () => {
  it('gives what one cannot use to the others', () => {
    const claims = [
      { min: 1n, max: 2n, instances: 1n },
      { min: 1n, max: undefined, instances: 1n },
    ];
    expect(shareOut(claims, 100n)).toEqual([2n, 98n]);
  });

  it('gives one that begins large more', () => {
    const [small, large] = shareOut(
      [
        { min: 0n, max: undefined, instances: 1n },
        { min: 29n, max: undefined, instances: 1n },
      ],
      512n,
    )!;
    expect(large! / small!).toBeGreaterThan(20n);
  });

  it('has nothing to give without claims', () => expect(shareOut([], 10n)).toEqual([]));
});
