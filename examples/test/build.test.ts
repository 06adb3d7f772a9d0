/** What is checked in is what the sources give, byte for byte. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildC, buildCReactor, buildJavaScript, C_GUEST, C_REACTOR, JAVASCRIPT_GUESTS } from '../build.ts';

const digestOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
const checkedIn = (guest: string) => digestOf(join(import.meta.dirname, '..', `${guest}.wasm`));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wafer-build-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a rebuild gives the bytes that are checked in', () => {
  it.each(JAVASCRIPT_GUESTS)('%s', { timeout: 60_000 }, (guest) => {
    const output = join(folder, 'guest.wasm');
    buildJavaScript(guest, output);
    expect(digestOf(output)).toBe(checkedIn(guest));
  });

  // Other compilers give other bytes, so only Debian 12's, which made it, is compared.
  it.runIf(existsSync('/usr/lib/llvm-14/bin/clang') && existsSync('/usr/lib/wasm32-wasi/libc.a'))(
    C_GUEST,
    { timeout: 60_000 },
    () => {
      const output = join(folder, 'hello.wasm');
      expect(buildC(C_GUEST, output)).toBe(true);
      expect(digestOf(output)).toBe(checkedIn(C_GUEST));
    },
  );

  it.runIf(existsSync('/usr/lib/llvm-14/bin/clang') && existsSync('/usr/lib/llvm-14/bin/wasm-ld'))(
    C_REACTOR,
    { timeout: 60_000 },
    async () => {
      const output = join(folder, 'echo.wasm');
      expect(await buildCReactor(C_REACTOR, output)).toBe(true);
      expect(digestOf(output)).toBe(checkedIn(C_REACTOR));
    },
  );
});
