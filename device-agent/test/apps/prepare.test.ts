import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Limits, Milliseconds, Seconds } from '@wafer/protocol';
import { createPrepare } from '../../src/apps/prepare.ts';
import { digestOf, faultOf, puppet } from './harness.ts';

const HANG = fileURLToPath(new URL('../fixtures/hang.ts', import.meta.url));
const EXHAUST = fileURLToPath(new URL('../fixtures/exhaust.ts', import.meta.url));
const PREPARE_ONCE = fileURLToPath(new URL('../fixtures/prepare-once.ts', import.meta.url));
const limits = Limits.parse({});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wafer-prepare-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const small = await parse(`(component
  (core module $m (memory (export "memory") 1) (func (export "f")))
  (core instance $i (instantiate $m))
  (func (export "f") (canon lift (core func $i "f"))))`);

const prepare = (bytes: Uint8Array, options = {}) =>
  createPrepare({ folder, ...options })(digestOf(bytes), bytes, limits);

describe('prepare', () => {
  it('makes a folder once and then finds it', async () => {
    const first = await prepare(small);
    expect(first.prepareMs).toBeGreaterThan(0);
    expect(readdirSync(folder)).toHaveLength(1);
    expect(await prepare(small)).toEqual({ ...first, prepareMs: 0 });
  });

  it('with a child kept ready gives what one without it gives, and ends the last when it is closed', async () => {
    const spared = createPrepare({ folder: join(folder, 'spared'), hasSpare: true });
    const bytes = [small, await parse('(component (core module (func (export "g"))))')];
    for (const each of bytes) await spared(digestOf(each), each, limits);
    const digests = bytes.map(digestOf);
    for (const [index, each] of bytes.entries()) {
      const { folder: made } = await spared(digests[index]!, each, limits);
      const { folder: alone } = await createPrepare({ folder: join(folder, 'alone') })(
        digests[index]!,
        each,
        limits,
      );
      const files = (of: string) =>
        readdirSync(of)
          .toSorted()
          .map((name) => [name, readFileSync(join(of, name), 'latin1')]);
      expect(files(made)).toEqual(files(alone));
    }
    const children = () =>
      readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
        .length;
    const before = children();
    spared.close();
    await expect.poll(children).toBe(before - 1);
    // A component that fails costs a child like any other.
    expect(await faultOf(spared(digestOf(Buffer.from('x')), Buffer.from('x'), limits))).toMatchObject({
      kind: 'prepare',
    });
  });

  it('refuses bytes that are not those of the digest', async () => {
    const asked = createPrepare({ folder })(digestOf(Buffer.from('other')), small, limits);
    expect(await faultOf(asked)).toMatchObject({ kind: 'digest' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['garbage', Buffer.from('no wasm at all')],
    ['the text of a component', Buffer.from('(component)')],
    ['a core module', new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00])],
    ['a component that is cut short', puppet.subarray(0, 100_000)],
  ])('answers %s with a fault', async (_, bytes) => {
    expect(await faultOf(prepare(bytes))).toMatchObject({ kind: 'prepare' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('answers a component that makes the transpiler panic with a fault that quotes it', async () => {
    const bytes = await parse('(component (import "m" (core module)) (core instance (instantiate 0)))');
    const fault = await faultOf(prepare(bytes));
    expect(fault.kind).toBe('prepare');
    expect(fault.message).toContain('panicked');
  });

  it('refuses a component whose export names are JavaScript, and runs nothing of it', async () => {
    const name = "a'];globalThis.pwned=1;['";
    const bytes = await parse(`(component (core module $m (func (export "${name}")))
      (core instance $i (instantiate $m)) (func (export "f") (canon lift (core func $i "${name}"))))`);
    const fault = await faultOf(prepare(bytes));
    expect(fault.kind).toBe('prepare');
    expect(fault.message).toContain('pwned');
    expect(globalThis).not.toHaveProperty('pwned');
  });

  it('refuses a component that begins with more memory than it may have', async () => {
    const asked = createPrepare({ folder })(digestOf(puppet), puppet, { ...limits, memoryMiB: 1 });
    expect(await faultOf(asked)).toMatchObject({ kind: 'memory-limit' });
  }, 30_000);

  it('ends a transpiler that does not end by itself', async () => {
    const fault = await faultOf(prepare(small, { script: HANG, timeLimit: Milliseconds(300) }));
    expect(fault).toMatchObject({ kind: 'prepare', message: expect.stringContaining('300 ms') });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('survives a transpiler that takes all memory', async () => {
    const options = { script: EXHAUST, memoryMiB: 64, timeLimit: Seconds(60) };
    expect(await faultOf(prepare(small, options))).toMatchObject({ kind: 'prepare' });
  }, 60_000);

  it('answers a disk that takes nothing with a disk fault', async () => {
    writeFileSync(join(folder, 'file'), '');
    const asked = createPrepare({ folder: join(folder, 'file/below') })(digestOf(small), small, limits);
    expect(await faultOf(asked)).toMatchObject({ kind: 'disk', subject: 'ENOTDIR' });
  });
});

describe('a prepared folder', () => {
  const damages: Record<string, (made: string) => void> = {
    'without its manifest': (made) => rmSync(join(made, 'manifest.json')),
    'with half a manifest': (made) => truncateSync(join(made, 'manifest.json'), 40),
    'with an altered script': (made) => appendFileSync(join(made, 'component.js'), '\n//'),
    'with an altered core module': (made) => truncateSync(join(made, 'component.core.wasm'), 20),
    'without a core module': (made) => rmSync(join(made, 'component.core.wasm')),
  };
  it.each(Object.entries(damages))('%s is made again', async (_, damage) => {
    const first = await prepare(small);
    damage(first.folder);
    const again = await prepare(small);
    expect(again.prepareMs).toBeGreaterThan(0);
    expect(await prepare(small)).toMatchObject({ prepareMs: 0 });
  });

  it('that is ended for want of memory is a memory-limit fault, as when the kernel ends it', async () => {
    const hanging = createPrepare({ folder, script: HANG });
    const ended = hanging(digestOf(small), small, limits);
    await vi.waitFor(() => expect(hanging.end()).toBe(true));
    await expect(ended).rejects.toMatchObject({ fault: { kind: 'memory-limit', subject: 'board memory' } });
    expect(hanging.end()).toBe(false);
  });

  it('is whole or absent after a kill in the middle, and leftovers go', async () => {
    const file = join(folder, 'component.wasm');
    writeFileSync(file, puppet);
    const prepared = join(folder, 'prepared');
    const child = spawn(process.execPath, [PREPARE_ONCE, prepared, file], { stdio: 'ignore' });
    const exited = once(child, 'exit');
    const isWorking = (): boolean => existsSync(prepared) && readdirSync(prepared).length > 0;
    while (!isWorking()) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGKILL');
    await exited;
    expect(readdirSync(prepared).filter((name) => !name.startsWith('tmp-'))).toEqual([]);

    const made = await createPrepare({ folder: prepared })(digestOf(puppet), puppet, limits);
    expect(made.prepareMs).toBeGreaterThan(0);
    expect(readdirSync(prepared)).toEqual([made.folder.split('/').at(-1)]);
    expect(statSync(join(made.folder, 'manifest.json')).size).toBeGreaterThan(0);
  }, 60_000);

  it('that another process is making is left alone', async () => {
    const other = join(folder, `tmp-${process.ppid}-other`);
    mkdirSync(other);
    await prepare(small);
    expect(existsSync(other)).toBe(true);
  });
});
