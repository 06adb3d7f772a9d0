/** What is checked in is what the sources give, byte for byte. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildC, buildJavaScript, C_GUESTS, JAVASCRIPT_GUESTS } from '../build.ts';

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

  // Other compilers give other bytes, so only Debian 12's, which made them, is compared.
  it
    .runIf(existsSync('/usr/lib/llvm-14/bin/wasm-ld') && existsSync('/usr/lib/wasm32-wasi/libc.a'))
    .each(Object.keys(C_GUESTS))('%s', { timeout: 60_000 }, (guest) => {
    const output = join(folder, 'guest.wasm');
    expect(buildC(guest, output)).toBe(true);
    expect(digestOf(output)).toBe(checkedIn(guest));
  });
});
