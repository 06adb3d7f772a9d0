/** What is checked in of board.c is what its sources give, and it is for boards that people have. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildNative, checkedIn, TARGETS } from '../../native/build.ts';
import { hasCompiler } from './simulator.ts';

/** Other compilers give other bytes: Debian 12's made them. */
const isTheCompiler =
  hasCompiler() && execFileSync('clang', ['--version'], { encoding: 'utf8' }).includes('14.0.6');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wafer-native-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.runIf(isTheCompiler)('a rebuild gives the bytes that are checked in', () => {
  it.each(Object.keys(TARGETS))('linux-%s', (arch) => {
    const output = join(folder, `${arch}.node`);
    buildNative(arch, output);
    expect(readFileSync(output).equals(readFileSync(checkedIn(arch)))).toBe(true);
  });
});

it('is an object for the machine that it is named for', () => {
  /** e_machine of the ELF header. */
  const machines = Object.keys(TARGETS).map((arch) => [arch, readFileSync(checkedIn(arch)).readUInt16LE(18)]);
  expect(Object.fromEntries(machines)).toEqual({ x64: 62, arm64: 183, arm: 40, riscv64: 243 });
});
