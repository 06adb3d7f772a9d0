import { expect, it } from 'vitest';
import { isBaselineOnly } from './engine.ts';

it('guests are optimised where the optimising compiler is sound, which it is not on RISC-V', () => {
  expect(['x64', 'arm64', 'arm', 'riscv64'].filter((arch) => isBaselineOnly(arch))).toEqual(['riscv64']);
});
