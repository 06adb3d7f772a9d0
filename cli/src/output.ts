/**
 * What a command says. People read lines and tables on stdout and `error <code>: <detail>` on
 * stderr. With `--json`, stdout carries exactly one JSON value: the result, or a problem.
 */
import { ERRORS, WaferError } from '@wafer/protocol';
import type { Context } from './context.ts';

/** A result in both forms; `text` is asked for only when people read it. */
export interface Result {
  readonly json: unknown;
  readonly text: () => string;
}

export function printResult(result: Result, asJson: boolean, { stdout }: Context): void {
  stdout.write(asJson ? `${JSON.stringify(result.json)}\n` : `${result.text().trimEnd()}\n`);
}

/** Whatever was thrown, as an error with a code; what has none is this program's mistake. */
export function toWaferError(thrown: unknown): WaferError {
  if (thrown instanceof WaferError) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return new WaferError('server.internal', `unexpected: ${detail}`, { cause: thrown });
}

export function printError(error: WaferError, asJson: boolean, { stdout, stderr }: Context): void {
  if (asJson) stdout.write(`${JSON.stringify(problemOf(error))}\n`);
  else stderr.write(`error ${error.code}: ${error.message}\n`);
}

/** Prints on stderr what does not stop a command, such as a compiler's warnings. */
export const warner =
  ({ stderr }: Context) =>
  (text: string): void => {
    stderr.write(`${text}\n`);
  };

/** RFC 9457. */
const problemOf = ({ code, message }: WaferError) => ({
  type: `urn:wafer:error:${code}`,
  title: ERRORS[code].title,
  status: ERRORS[code].status,
  detail: message,
  code,
});
