/** Guests in C, with the compiler of this machine, and without one. */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { compileC } from '../src/publish/c/compile.ts';
import { sha256 } from '../src/trust/documents.ts';
import { type Person, signedIn } from './person.ts';

const ECHO = resolve(import.meta.dirname, '../../examples/echo-c');
const hasLinker = existsSync('/usr/bin/clang') && existsSync('/usr/bin/wasm-ld');
const hasLibc = hasLinker && existsSync('/usr/lib/wasm32-wasi/libc.a');

let person: Person;
beforeEach(async () => {
  person = await signedIn();
});
afterEach(() => {
  vi.unstubAllEnvs();
  return person.leave();
});

const echo = async (...names: string[]): Promise<string> => {
  for (const name of names) await copyFile(join(ECHO, name), join(person.folder, name));
  return join(person.folder, 'echo.c');
};

describe.runIf(hasLibc)('a .c file by itself', () => {
  it('is a preview 1 command, which inspect adapts and build gives as it is', async () => {
    const file = await person.file('hi.c', 'int main(void) { return 0; }\n');
    const report = await person.wafer('inspect', file, '--json');
    expect(report).toMatchObject({ exit: 0, stderr: '' });
    expect(report.json()).toMatchObject({
      from: 'c',
      world: 'command',
      exports: { 'wasi:cli@0.2.12': ['run'] },
    });
    const built = await person.wafer('build', file, '--output', 'hi.wasm', '--module', '--json');
    expect(built.exit).toBe(0);
    const module = await readFile(join(person.folder, 'hi.wasm'));
    expect(module.subarray(0, 8).toString('hex')).toBe('0061736d01000000');
    const adapted = await person.wafer('inspect', 'hi.wasm', '--json');
    expect(adapted.json()).toMatchObject({ from: 'module', digest: report.json()['digest'] });
  });

  it('gives the same bytes in every folder, assertions included', async () => {
    const modules: Uint8Array[] = [];
    for (const folder of ['one', 'other/place']) {
      await mkdir(join(person.folder, folder), { recursive: true });
      const source = '#include <assert.h>\nint main(int c, char **v) { assert(c && v); return 0; }\n';
      const file = await person.file(join(folder, 'guest.c'), source);
      const silent = () => undefined;
      modules.push(await compileC(file, { keepsNames: true, onFile: silent, onWarning: silent }));
    }
    expect(modules[1]).toEqual(modules[0]);
    expect(Buffer.from(modules[0]!).includes('guest.c')).toBe(true);
  });

  it('is made in spite of warnings, which are shown', async () => {
    await person.file('a.c', 'int main(void) { int unused; return 0; }\n');
    const run = await person.wafer('build', 'a.c', '--output', 'a.wasm', '--module');
    expect(run).toMatchObject({ exit: 0 });
    expect(run.stderr).toMatch(/^a\.c:1:22: warning: unused variable 'unused'/);
  });

  it.each([
    ['does not compile', 'int main(void) { retur 0; }\n', /clang: a\.c:1:18: error: use of undeclared/],
    ['lacks a main', 'int f(void) { return 0; }\n', /clang: .*undefined symbol: (__main_void|main)/s],
  ])('that %s is refused in the words of clang', async (_, source, words) => {
    const run = await person.wafer('inspect', await person.file('a.c', source));
    expect(run).toMatchObject({ exit: 4, stdout: '' });
    expect(run.stderr).toMatch(/^error component\.unsupported: /);
    expect(run.stderr).toMatch(words);
  });
});

describe.runIf(hasLinker)('a .c file with a .wit beside it', () => {
  it('is published as a component of that world', async () => {
    await person.wafer('keys', 'init', '--no-passphrase');
    const file = await echo('echo.c', 'echo.wit', 'wafer.yaml');
    const run = await person.wafer('publish', file, '--version', '1.0.0', '--json');
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    const { digest } = run.json();
    expect(run.json()).toMatchObject({
      app: 'echo-c',
      world: 'reactor',
      exports: ['wafer:app/lifecycle@0.1.0', 'wasi:messaging/incoming-handler@0.2.0-draft'],
    });
    expect(sha256(person.server.blobs.get(String(digest)) ?? Buffer.alloc(0))).toBe(digest);
  });

  it('may import WASI as well', async () => {
    await person.file(
      'clock.c',
      `__attribute__((import_module("wasi:clocks/monotonic-clock@0.2.12"), import_name("now"))) long long now(void);
static char failed;
__attribute__((export_name("wafer:app/lifecycle@0.1.0#start"))) char *start(void) { failed = now() < 0; return &failed; }
__attribute__((export_name("wafer:app/lifecycle@0.1.0#stop"))) void stop(void) {}
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void) { __builtin_trap(); }\n`.replace(
        'cabi_realloc(void)',
        'cabi_realloc(void *o, int a, int b, int c)',
      ),
    );
    await person.file(
      'clock.wit',
      `package test:clock;
world clock {
  import wasi:clocks/monotonic-clock@0.2.12;
  export wafer:app/lifecycle@0.1.0;
}\n`,
    );
    const run = await person.wafer('inspect', 'clock.c', '--json');
    expect(run.json()).toMatchObject({
      world: 'reactor',
      imports: { 'wasi:clocks@0.2.12': ['monotonic-clock'] },
    });
  });

  it.each([
    [
      'names a package that there is none of',
      (wit: string) => wit.replace('wasi:messaging/producer', 'acme:door/lock'),
      /^error component\.unsupported: echo\.wit: package 'acme:door@0\.2\.0-draft' not found\. There are .*wasi:messaging@0\.2\.0-draft/s,
    ],
    [
      'does not name what the source imports',
      (wit: string) => wit.replace(/ *import .*\n/, ''),
      /^error component\.unsupported: echo\.wit: .*wasi:messaging\/(types|producer)@0\.2\.0-draft/s,
    ],
    ['is no WIT', () => 'word', /^error component\.unsupported: echo\.wit: expected/],
  ])('is refused where that %s', async (_, change, words) => {
    const file = await echo('echo.c');
    await writeFile(join(person.folder, 'echo.wit'), change(await readFile(join(ECHO, 'echo.wit'), 'utf8')));
    const run = await person.wafer('inspect', file);
    expect(run).toMatchObject({ exit: 4, stdout: '' });
    expect(run.stderr).toMatch(words);
  });

  it('has no module to give', async () => {
    const file = await echo('echo.c', 'echo.wit');
    const run = await person.wafer('build', file, '--output', 'x.wasm', '--module');
    expect(run).toMatchObject({ exit: 2, stdout: '' });
    expect(run.stderr).toMatch(/echo\.c has a \.wit beside it/);
    expect(existsSync(join(person.folder, 'x.wasm'))).toBe(false);
  });
});

describe('where a guest in C cannot be made', () => {
  it('for want of clang, that is said, with the packages of Debian', async () => {
    vi.stubEnv('PATH', person.folder);
    const run = await person.wafer('inspect', await person.file('a.c', 'int main(void) { return 0; }\n'));
    expect(run).toMatchObject({ exit: 2, stdout: '' });
    expect(run.stderr).toMatch(
      /^error cli\.usage: a\.c cannot be compiled here, for want of clang, clang's linker wasm-ld, .*\(Debian: apt install clang lld .*libclang-rt-dev-wasm32\)/,
    );
  });

  it('for want of its linker only, only that is named', async () => {
    vi.stubEnv('PATH', person.folder);
    const answer = '#!/bin/sh\nif [ "$1" = -print-prog-name=wasm-ld ]; then echo wasm-ld; else exit 1; fi\n';
    await writeFile(join(person.folder, 'clang'), answer, { mode: 0o755 });
    const run = await person.wafer('inspect', await echo('echo.c', 'echo.wit'));
    expect(run.stderr).toMatch(/for want of clang's linker wasm-ld \(Debian: apt install lld\)/);
  });

  it('for want of the file, that is said', async () => {
    const run = await person.wafer('inspect', 'none.c');
    expect(run).toMatchObject({ exit: 2, stdout: '' });
    expect(run.stderr).toMatch(/^error cli\.usage: .*none\.c cannot be read/);
  });

  it('because it is no C, --module is refused', async () => {
    const run = await person.wafer('build', 'a.js', '--output', 'x.wasm', '--module');
    expect(run).toMatchObject({ exit: 2, stdout: '' });
    expect(run.stderr).toMatch(/--module is for \.c files/);
  });
});
