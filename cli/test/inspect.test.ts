/** `wafer inspect` on files as people have them. */
import { DEFAULT_MAX_COMPONENT_BYTES } from '@wafer/protocol';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packChunks } from '@wafer/protocol/chunk';
import { coreModules } from '../src/inspect/core-modules.ts';
import { memoryOf } from '../src/inspect/memory.ts';
import type { Report } from '../src/inspect/report.ts';
import { padded, preview1Program, reactor, stranger } from './guests.ts';
import { type Person, signedIn } from './person.ts';

const PAGE = 65_536;

let person: Person;
beforeEach(async () => {
  person = await signedIn();
});
afterEach(() => person.leave());

const inspected = async (file: string, ...more: string[]): Promise<Report> => {
  const run = await person.wafer('inspect', file, '--json', ...more);
  expect(run).toMatchObject({ exit: 0, stderr: '' });
  return run.json() as unknown as Report;
};

describe('wafer inspect', () => {
  it('tells of a component what it imports, exports, weighs, and is refused for without grants', async () => {
    const component = padded(
      await reactor(['wasi:clocks/wall-clock@0.2.12', 'wasi:sockets/tcp@0.2.12']),
      100_000,
    );
    const report = await inspected(await person.file('demo.wasm', component));
    expect(report).toMatchObject({
      from: 'component',
      world: 'reactor',
      length: component.length,
      memory: { startBytes: PAGE, maximumBytes: null },
      imports: { 'wasi:clocks@0.2.12': ['wall-clock'], 'wasi:sockets@0.2.12': ['tcp'] },
      exports: { 'wafer:app@0.1.0': ['lifecycle'] },
      judgedBy: null,
      refused: [
        { import: 'wasi:clocks/wall-clock@0.2.12', grant: 'clock' },
        { import: 'wasi:sockets/tcp@0.2.12', reason: expect.stringMatching(/no grant gives/) as string },
      ],
    });
    expect(report.travels.chunks).toBe(4);
    expect(report.travels.bytes).toBeLessThan(component.length / 10);
  });

  it('adapts a preview 1 module before it looks', async () => {
    const report = await inspected(await person.file('tool.wasm', await preview1Program()));
    expect(report).toMatchObject({ from: 'module', world: 'command' });
    expect(report.exports).toEqual({ 'wasi:cli@0.2.12': ['run'] });
  });

  it('componentizes a .js guest before it looks', { timeout: 30_000 }, async () => {
    const file = await person.file('guest.js', 'export const lifecycle = { start() {}, stop() {} };');
    const report = await inspected(file);
    expect(report).toMatchObject({ from: 'javascript', world: 'reactor' });
    expect(report.memory?.startBytes).toBeGreaterThan(PAGE);
  });

  it('gives a manifest with which publish takes the very same file', async () => {
    await person.wafer('keys', 'init', '--no-passphrase');
    const file = await person.file(
      'demo.wasm',
      await reactor(['wasi:random/random@0.2.12', 'wasi:messaging/producer@0.2.0-draft']),
    );
    expect(await person.wafer('publish', file, '--app', 'demo', '--version', '1.0.0')).toMatchObject({
      exit: 4,
    });
    const { starter } = await inspected(file);
    await person.file('wafer.yaml', starter);
    expect(await person.wafer('publish', file, '--version', '1.0.0')).toMatchObject({ exit: 0, stderr: '' });
    expect(await inspected(file)).toMatchObject({ refused: [] });
  });

  it('judges by the manifest beside the file, or by the one that is named', async () => {
    const file = await person.file('demo.wasm', await reactor(['wasi:random/random@0.2.12']));
    const beside = await person.file('wafer.yaml', 'grants: { random: true }');
    const other = await person.file('other.yaml', 'grants: { clock: true }');
    expect(await inspected(file)).toMatchObject({ judgedBy: beside, refused: [] });
    expect(await inspected(file, '--manifest', other)).toMatchObject({
      judgedBy: other,
      refused: [{ import: 'wasi:random/random@0.2.12', grant: 'random' }],
    });
  });

  it('says that a component is of another world, and that it begins with more than its limit', async () => {
    await person.file('wafer.yaml', 'world: command\nlimits: { memoryMiB: 1 }');
    const big = await parse(LARGE);
    const { refused } = await inspected(await person.file('a.wasm', big));
    expect(refused.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/says world: command/),
      'it begins with 2.0 MiB of memory, over limits.memoryMiB 1',
    ]);
  });

  it('says all of it in words, without --json', async () => {
    const file = await person.file('demo.wasm', await reactor(['wasi:random/random@0.2.12']));
    const { stdout } = await person.wafer('inspect', file);
    expect(stdout).toMatch(/^file {5}demo\.wasm, a component$/m);
    expect(stdout).toMatch(/^wasi:random@0\.2\.12 +random$/m);
    expect(stdout).toMatch(/Refused under no grants.*\n.*needs the grant "random"/);
    expect(stdout).toMatch(/^ {2}random: true # needed by wasi:random\/random@0\.2\.12$/m);
  });
});

describe('what is no guest is refused with its code', () => {
  it.each([
    ['garbage', 'a.wasm', Buffer.from('#!/bin/sh\n'), 'component.not-wasm', /starts with bytes 23212f62/],
    ['empty', 'a.wasm', Buffer.alloc(0), 'component.not-wasm', /it is empty/],
    [
      'over the limit',
      'a.wasm',
      Buffer.alloc(DEFAULT_MAX_COMPONENT_BYTES + 1),
      'component.too-large',
      /limit is 16777216/,
    ],
    [
      'JavaScript that is cut off',
      'a.js',
      Buffer.from('export const a = {'),
      'component.unsupported',
      /a\.js/,
    ],
  ])('%s', async (_, name, bytes, code, detail) => {
    const run = await person.wafer('inspect', await person.file(name, bytes));
    expect(run).toMatchObject({ exit: 4, stdout: '' });
    expect(run.stderr).toMatch(new RegExp(`^error ${code}: .*${detail.source}.*\\n$`, 's'));
  });

  it('a core module of another host than preview 1', async () => {
    const module = await parse('(module (import "env" "f" (func)) (func (export "_start")))');
    const run = await person.wafer('inspect', await person.file('a.wasm', module));
    expect(run).toMatchObject({ exit: 4, stdout: '' });
    expect(run.stderr).toMatch(/^error component\.unsupported: .*cannot be adapted/);
  });

  it('a component that no world knows, and one that is cut off', async () => {
    const foreign = await person.wafer(
      'inspect',
      await person.file('a.wasm', await stranger('acme:a/b@1.0.0')),
    );
    expect(foreign.stderr).toMatch(/^error component\.unsupported: it exports acme:a\/b@1\.0\.0/);
    const whole = await reactor();
    const cut = await person.wafer('inspect', await person.file('a.wasm', whole.subarray(0, -20)));
    expect(cut.stderr).toMatch(/^error component\.not-wasm: .*damaged/);
    expect([foreign.exit, cut.exit]).toEqual([4, 4]);
  });

  it.each(['inspect', 'build'])(
    'wafer %s: a .js guest that imports an interface of which there is no WIT, also from a part of it',
    async (command) => {
      const part = await person.file('part.js', "export { open } from 'acme:door/lock@1.0.0';");
      const guest = await person.file(
        'guest.js',
        "import { open } from './part.js'; export const lifecycle = { start: open, stop() {} };",
      );
      const output = command === 'build' ? ['--output', 'out.wasm'] : [];
      const run = await person.wafer(command, guest, ...output);
      expect(run).toEqual(
        expect.objectContaining({
          exit: 4,
          stdout: '',
          stderr: `error component.unsupported: ${part} imports "acme:door/lock@1.0.0", for which there is no WIT here: devices have no such interface\n`,
        }),
      );
    },
  );

  it('a file, or a manifest, that is not there', async () => {
    const file = await person.file('a.wasm', await reactor());
    expect(await person.wafer('inspect', 'none.wasm')).toMatchObject({ exit: 2 });
    expect(await person.wafer('inspect', file, '--manifest', 'none.yaml')).toMatchObject({ exit: 2 });
  });
});

const LARGE = `(component
  (core module $m (memory (export "memory") 32)
    (func (export "start") (result i32) (i32.const 0)) (func (export "stop"))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
  (core instance $i (instantiate $m))
  (func $start (result (result (error string))) (canon lift (core func $i "start")
    (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (func $stop (canon lift (core func $i "stop")))
  (instance $lifecycle (export "start" (func $start)) (export "stop" (func $stop)))
  (export "wafer:app/lifecycle@0.1.0" (instance $lifecycle)))`;

describe('memory that a component begins with', () => {
  it.each([
    ['one module', '(core module $m (memory 3)) (core instance (instantiate $m))', 3, null],
    ['its maximum', '(core module $m (memory 3 5)) (core instance (instantiate $m))', 3, 5],
    [
      'each instance of a module',
      '(core module $m (memory 3 5)) (core instance (instantiate $m)) (core instance (instantiate $m))',
      6,
      10,
    ],
    ['no module that is never instantiated', '(core module (memory 3))', 0, 0],
    [
      'an imported memory once',
      `(core module $a (memory (export "m") 2 4)) (core instance $i (instantiate $a))
       (core module $b (import "a" "m" (memory 1)))
       (core instance (instantiate $b (with "a" (instance $i))))`,
      2,
      4,
    ],
    [
      'nested components as often as they are instantiated',
      `(component $c (core module $m (memory 1 2)) (core instance (instantiate $m)))
       (component $d (core module $m (memory 10 10)) (core instance (instantiate $m)))
       (instance (instantiate $c)) (instance (instantiate $c)) (instance (instantiate $d))`,
      12,
      14,
    ],
    [
      'instances beside aliases, exports and types',
      `(import "f" (func $f)) (type $t (func)) (import "r" (type $r (sub resource)))
       (core module $m (memory (export "m") 1 1) (func (export "g")))
       (core instance $i (instantiate $m)) (alias core export $i "g" (core func $g))
       (core instance $bag (export "g" (func $g)))
       (component $c (import "f" (func)) (core module $n (memory 1 1)) (core instance (instantiate $n)))
       (instance (instantiate $c (with "f" (func $f)))) (instance (export "f" (func $f)))`,
      2,
      2,
    ],
  ])('counts %s', async (_, body, start, maximum) => {
    expect(memoryOf(await parse(`(component ${body})`))).toEqual({
      startBytes: start * PAGE,
      maximumBytes: maximum === null ? null : maximum * PAGE,
    });
  });

  it('is not told of memory that threads share, which devices refuse', async () => {
    const component = await parse('(component (core module $m (memory 1 2 shared)))');
    expect(memoryOf(component)).toEqual({
      refused: expect.stringMatching(/shared between threads/) as string,
    });
  });

  it('is not told of a module that comes from elsewhere', async () => {
    const component = await parse(
      '(component (import "m" (core module $m)) (core instance (instantiate $m)))',
    );
    expect(() => coreModules(component)).toThrow(/does not define itself/);
  });

  it('is not told of components nested without end, and the stack holds', async () => {
    const component = await parse(`(component ${'(component '.repeat(60)}${')'.repeat(60)})`);
    expect(() => coreModules(component)).toThrow(/nested more than/);
  });
});

describe('what a component travels as', () => {
  it('is the very bytes that the server sends', async () => {
    const bytes = Buffer.concat([Buffer.alloc(40_000, 7), Buffer.from('tail')]);
    const chunks = await packChunks(bytes);
    const raw = chunks.map(({ encoding, bytes: packed }) =>
      encoding === 'zstd' ? zstdDecompressSync(packed) : packed,
    );
    expect(Buffer.concat(raw)).toEqual(bytes);
  });
});
