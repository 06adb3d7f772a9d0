/** What the parts of a guest's board have in common. */
import type { Host } from '../host.ts';
import type { BoardLine } from './line.ts';

const MAX_NAME_CHARACTERS = 100;

export interface BoardHost {
  readonly host: Host;
  readonly line: BoardLine;
  /** Puts a use on record that no grant names. */
  readonly deny: (subject: string, message: string) => void;
  /** Counts a handle; beyond what a guest may hold it traps. */
  readonly take: () => void;
  readonly give: () => void;
}

/** Short enough to be told, whatever the guest thinks up. */
export const shown = (name: string): string => name.slice(0, MAX_NAME_CHARACTERS);
