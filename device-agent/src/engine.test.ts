import { expect, it } from 'vitest';
import { engineFlags, isBaselineOnly } from './engine.ts';

const ARCHITECTURES = ['x64', 'arm64', 'arm', 'riscv64'];

it('guests are optimised where the optimising compiler is sound, which it is not on RISC-V', () => {
  expect(ARCHITECTURES.filter((arch) => isBaselineOnly(arch))).toEqual(['riscv64']);
});

it('functions are compiled when they are first called where jumps reach that far, which they do not on RISC-V', () => {
  const eager = ARCHITECTURES.filter((arch) => engineFlags(arch).includes('--no-wasm-lazy-compilation'));
  expect(eager).toEqual(['riscv64']);
});
