/** What a clone means, and what to do about it, in words. Pure. */
import type { CloneView } from '@wafer/protocol/api';

export interface CloneWords {
  readonly title: string;
  /** What happened, as far as the server can tell. */
  readonly meaning: string;
  readonly toDo: string;
}

export function cloneWords({ why, devices }: Pick<CloneView, 'why' | 'devices'>): CloneWords {
  const names = devices.map(({ name }) => name).join(' and ');
  switch (why) {
    case 'two live sessions':
      return {
        title: `${names} is connected twice`,
        meaning:
          'Two boards hold the key and certificate of this device: it was copied off the board, or with its disk.',
        toDo: 'Nothing was cut, for only you know which is the board. Look for it at the addresses below. Then revoke the device: both lose their access. Enrol the real board anew, with its data folder emptied.',
      };
    case 'the key':
      return {
        title: `${names} have the same key`,
        meaning: 'One was made from a copy of the other’s disk after its key had been made.',
        toDo: 'Whoever holds the key can act as either. Revoke both, empty their data folders, and enrol each anew, so that each makes a key of its own.',
      };
    case 'the serial number of the board':
      return {
        title: `${names} say that they are the same board`,
        meaning:
          'Either one board was enrolled twice and runs both identities, or a serial number was copied, or made up.',
        toDo: 'Look at both. Where it is one board, stop the agent that should not run, and revoke its device. Where it is two, find out which one has the number on its label, and revoke the other.',
      };
  }
}

/** The one line above every page; undefined while there is nothing to say. */
export function cloneWarning(clones: readonly CloneView[]): string | undefined {
  const [first, ...others] = clones;
  if (first === undefined) return undefined;
  const more = others.length === 0 ? '' : ` And ${others.length} more like it.`;
  return `${cloneWords(first).title}: somebody may have copied a board.${more}`;
}
