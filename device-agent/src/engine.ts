/**
 * Which of V8's two compilers makes the code of guests. The optimising one for RISC-V of Node 24 turns
 * comparisons of floats around at the end of a loop (Debian's 24.21 does; the self-test finds it), so there the
 * baseline compiler makes all of it: slower, and right.
 */
import { setFlagsFromString } from 'node:v8';

export const isBaselineOnly = (arch: string = process.arch): boolean => arch === 'riscv64';

/** Of this process and all its threads; to be called before any WebAssembly is compiled. */
export function chooseCompiler(): void {
  if (isBaselineOnly()) setFlagsFromString('--liftoff-only');
}
