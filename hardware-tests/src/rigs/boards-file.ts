/**
 * `hardware-tests/boards.yaml`: the real boards that somebody has, each a rig of its own. The file belongs to
 * whoever runs the tests and is in no repository.
 *
 *     boards:
 *       - name: pi-5
 *         host: pi@raspberrypi.local      # as for ssh, by key: nobody is there to type
 *         node: /usr/bin/node             # default: node; 24.15 or newer
 *         port: 22                        # this and the rest: as ssh_config has it unless said
 *         identity: ~/.ssh/boards
 *         options: [ProxyJump=gate]
 *         patience: 3                     # how many times longer than on a PC things may take
 */
import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

export const BoardEntry = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,38}$/, 'a name is 1 to 39 of a-z, 0-9 and -'),
  /** No option of ssh's. */
  host: z.string().regex(/^[^-\s]\S*$/, 'a host, or user@host'),
  node: z.string().min(1).default('node'),
  port: z.number().int().min(1).max(65_535).optional(),
  identity: z.string().min(1).optional(),
  options: z.array(z.string().min(1)).default([]),
  patience: z.number().min(1).max(100).default(3),
});
export type BoardEntry = z.infer<typeof BoardEntry>;

const BoardsFile = z.strictObject({ boards: z.array(BoardEntry) });

/** None where there is no file; throws where it does not fit. */
export function readBoards(path: string): readonly BoardEntry[] {
  if (!existsSync(path)) return [];
  const parsed = BoardsFile.safeParse(parse(readFileSync(path, 'utf8')));
  if (parsed.success) return parsed.data.boards;
  const [issue] = parsed.error.issues;
  throw new Error(`${path}: ${issue?.path.join('.')}: ${issue?.message}`);
}
