/** The rigs that a run takes: those that were named, or all that are known here. */
import { join } from 'node:path';
import { ROOT } from '../root.ts';
import { readBoards } from './boards-file.ts';
import { EmulatedBoard } from './emulated.ts';
import { LocalBoard } from './local.ts';
import type { Rig } from './rig.ts';
import { SshBoard } from './ssh.ts';

const BUILT_IN: Readonly<Record<string, () => Rig>> = {
  local: () => new LocalBoard(),
  arm64: () => new EmulatedBoard('arm64'),
  riscv64: () => new EmulatedBoard('riscv64'),
};

/** `boards` is a file as boards-file.ts describes it. Throws where a name is nobody's. */
export function rigsFor(
  names: readonly string[] | undefined,
  boards = join(ROOT, 'hardware-tests/boards.yaml'),
): readonly Rig[] {
  const known = new Map(Object.entries(BUILT_IN));
  for (const entry of readBoards(boards)) {
    if (known.has(entry.name)) throw new Error(`${boards}: there is a rig ${entry.name} already`);
    known.set(entry.name, () => new SshBoard(entry));
  }
  return (names ?? [...known.keys()]).map((name) => {
    const make = known.get(name);
    if (make === undefined)
      throw new Error(`there is no rig ${name}; there are ${[...known.keys()].join(', ')}`);
    return make();
  });
}
