/**
 * How V8 makes the code of guests. On RISC-V two of its ways are wrong in Node 24 (Debian's 24.21; the
 * self-test finds both), and there the other way is taken, slower and right:
 *
 * - the optimising compiler turns comparisons of floats around at the end of a loop: so the baseline compiler
 *   makes all of it;
 * - the jump to a function that was not compiled yet is cut off beyond a megabyte, and goes astray in modules
 *   with more than some 20,000 functions (nodejs/node#65724): so all functions are compiled at the start.
 */
import { setFlagsFromString } from 'node:v8';

const FLAGS: Readonly<Record<string, readonly string[]>> = {
  riscv64: ['--liftoff-only', '--no-wasm-lazy-compilation'],
};

export const engineFlags = (arch: string = process.arch): readonly string[] => FLAGS[arch] ?? [];

export const isBaselineOnly = (arch: string = process.arch): boolean =>
  engineFlags(arch).includes('--liftoff-only');

/** Of this process and all its threads; to be called before any WebAssembly is compiled. */
export function chooseCompiler(): void {
  for (const flag of engineFlags()) setFlagsFromString(flag);
}
