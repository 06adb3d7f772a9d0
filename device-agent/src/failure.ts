/** How a command says that it failed: one line, and its exit code. */
import { WaferError } from '@wafer/protocol';
import { reason } from './log.ts';

export function tellFailure(error: unknown): void {
  const code = error instanceof WaferError ? `${error.code}: ` : '';
  process.stderr.write(`${code}${reason(error).split('\n')[0]}\n`);
  process.exitCode = 1;
}
