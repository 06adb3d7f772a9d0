/**
 * Has the kernel start programs of another architecture by qemu's emulator (Linux,
 * Documentation/admin-guide/binfmt-misc.rst). The flag F opens the emulator when it is registered, so that
 * it is found from within every root file system.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programPath } from './debian.ts';
import { RigMissing } from './rig.ts';

const BINFMT = '/proc/sys/fs/binfmt_misc';

/** Node's name → qemu's, and the number of its machine in an ELF header (e_machine). */
const MACHINES = {
  arm64: { qemu: 'aarch64', machine: 0xb7 },
  riscv64: { qemu: 'riscv64', machine: 0xf3 },
} as const;
export type Emulated = keyof typeof MACHINES;

export const emulator = (arch: Emulated): string => `qemu-${MACHINES[arch].qemu}-static`;

const hex = (bytes: readonly number[]): string =>
  bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');

/** 64 bits, least byte first, version 1, whatever ABI; an executable or a position-independent one. */
const magic = (machine: number): string =>
  hex([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, machine, 0]);
const MASK = hex([
  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff,
  0xff, 0xff,
]);

/** Throws RigMissing where the kernel, or a container, does not let us. */
export function registerEmulator(arch: Emulated): void {
  const { qemu, machine } = MACHINES[arch];
  const register = join(BINFMT, 'register');
  const entry = join(BINFMT, `qemu-${qemu}`);
  try {
    if (!existsSync(register))
      execFileSync('mount', ['-t', 'binfmt_misc', 'binfmt_misc', BINFMT], { stdio: 'pipe' });
    if (existsSync(entry)) {
      if (/^enabled[^]*^flags:.*F/m.test(readFileSync(entry, 'utf8'))) return;
      // One that is looked up by its path cannot be found from within a root file system.
      writeFileSync(entry, '-1');
    }
    writeFileSync(register, `:qemu-${qemu}:M::${magic(machine)}:${MASK}:${programPath(emulator(arch))}:F`);
  } catch (error) {
    throw new RigMissing(`binfmt_misc cannot be had: ${(error as Error).message.trim().split('\n').at(-1)}`, {
      cause: error,
    });
  }
}
