/** What a command is given from its process; tests give their own. */
import type { Clock } from '@wafer/protocol';
import type { Terminal } from './terminal.ts';

export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that relative paths are relative to. */
  readonly cwd: string;
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<void>;
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  /** All of standard input, for secrets that shall not stand on the command line. */
  readonly readStdin: () => Promise<string>;
  readonly readStdinBytes: () => Promise<Uint8Array>;
  /** A line that a person types unseen; undefined when standard input is no terminal. */
  readonly askHidden: ((question: string) => Promise<string>) | undefined;
}
