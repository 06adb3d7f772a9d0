import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** How a command ended, and what it said. */
export interface Ended {
  /** Null after a signal. */
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Collects what a command says, to its end. */
export async function ended(child: ChildProcess): Promise<Ended> {
  let output = '';
  let errors = '';
  child.stdout?.on('data', (bytes: Buffer) => (output += bytes.toString()));
  child.stderr?.on('data', (bytes: Buffer) => (errors += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output, errors };
}
