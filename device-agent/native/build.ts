/**
 * Builds board.c for every architecture that the agent runs on, beside it, where it is checked in as
 * `linux-<architecture>/board.node`:
 *
 *     npm run native --workspace @wafer/device-agent
 *
 * It needs clang and lld, and nothing of the architectures themselves. The same sources and the same clang
 * give the same bytes; a test rebuilds them and compares.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const HERE = import.meta.dirname;

/** `process.arch` → the target that clang calls it; riscv64 is rv64gc, which all boards have. */
export const TARGETS: Readonly<Record<string, readonly string[]>> = {
  x64: ['--target=x86_64-linux-gnu'],
  arm64: ['--target=aarch64-linux-gnu'],
  arm: ['--target=arm-linux-gnueabihf', '-march=armv7-a', '-mfpu=vfpv3-d16'],
  riscv64: ['--target=riscv64-linux-gnu', '-march=rv64gc', '-mabi=lp64d'],
};

const FLAGS = [
  '-shared',
  '-fPIC',
  '-nostdlib',
  '-ffreestanding',
  '-Os',
  '-fuse-ld=lld',
  '-Wl,-s,--build-id=none,--hash-style=gnu',
];
const WARNINGS = ['-Wall', '-Wextra', '-Werror'];

/** Throws with what clang said. */
export function buildNative(arch: string, output: string): void {
  const args = [...TARGETS[arch]!, ...FLAGS, ...WARNINGS, 'board.c', '-o', output];
  const { status, stderr, error } = spawnSync('clang', args, { cwd: HERE, encoding: 'utf8' });
  if (status !== 0) throw new Error(`board.c was not built for ${arch}: ${error?.message ?? stderr}`);
}

export const checkedIn = (arch: string): string => join(HERE, `linux-${arch}/board.node`);

if (import.meta.main) {
  for (const arch of Object.keys(TARGETS)) {
    mkdirSync(join(HERE, `linux-${arch}`), { recursive: true });
    buildNative(arch, checkedIn(arch));
    console.log(`built linux-${arch}/board.node`);
  }
}
