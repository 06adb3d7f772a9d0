/** The guests of the journeys are what their sources give, byte for byte. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from '../src/root.ts';

const GUESTS = join(ROOT, 'hardware-tests/guests');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wafer-build-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function rebuilt(source: string): Buffer {
  const output = join(folder, 'guest.wasm');
  const args = ['build', join(GUESTS, source), '--output', output];
  execFileSync(process.execPath, [join(ROOT, 'cli/src/main.ts'), ...args], { stdio: 'pipe' });
  return readFileSync(output);
}

it('actor.js', { timeout: 60_000 }, () => {
  expect(rebuilt('actor.js').equals(readFileSync(join(GUESTS, 'actor.wasm')))).toBe(true);
});

// Other compilers give other bytes, so only Debian 12's, which made it, is compared.
it.runIf(existsSync('/usr/lib/llvm-14/bin/wasm-ld'))('answers.c', { timeout: 60_000 }, () => {
  expect(rebuilt('answers.c').equals(readFileSync(join(GUESTS, 'answers.wasm')))).toBe(true);
});
