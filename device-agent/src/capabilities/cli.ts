/**
 * wasi:cli — environment and arguments as granted and no others, no working directory, an empty standard
 * input, output that becomes log lines within the budget, no terminals, and an exit that ends the guest.
 */
import type { LogLevel } from '@wafer/protocol';
import { GuestExit, type Host } from './host.ts';
import { InputStream, OutputStream } from './io.ts';

/** Longest piece of a line that is logged as one line, bytes. */
const MAX_LINE_BYTES = 4000;
const NEWLINE = 0x0a;

/** Resources of which there is never one: no stream here is a terminal. */
class TerminalInput {
  readonly stream = 'stdin';
}
class TerminalOutput {
  readonly stream = 'stdout';
}

const utf8 = new TextDecoder();

/** Cuts a stream of bytes into log lines; what has no newline yet waits, but never more than a line. */
function lineSink(host: Host, level: LogLevel) {
  // Beyond a line's length there is room for a secret, so that none is divided where a long line is cut.
  // Most guests never write: the memory is made with the first byte.
  let made: Buffer | undefined;
  const waiting = (): Buffer => (made ??= Buffer.alloc(MAX_LINE_BYTES + host.redactor.longestBytes));
  let length = 0;
  const emitUpTo = (end: number): void => {
    host.log(level, utf8.decode(waiting().subarray(0, end)));
    waiting().copyWithin(0, end, length);
    length -= end;
  };
  const emitPiece = (): void => emitUpTo(host.redactor.cut(waiting().subarray(0, length), MAX_LINE_BYTES));
  const emit = (): void => {
    while (length > MAX_LINE_BYTES) emitPiece();
    emitUpTo(length);
  };
  const stream = (): OutputStream => new OutputStream({ write, flush: () => undefined });
  // A flush is no end of a line: guests flush after every write.
  function write(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const line = waiting();
      const room = bytes.subarray(at, at + line.length - length);
      const newline = room.indexOf(NEWLINE);
      const taken = newline === -1 ? room : room.subarray(0, newline);
      line.set(taken, length);
      length += taken.length;
      at += newline === -1 ? taken.length : taken.length + 1;
      if (newline !== -1) emit();
      else if (length === line.length) emitPiece();
    }
  }
  return { stream, finish: () => (length > 0 ? emit() : undefined) };
}

export interface Cli {
  readonly interfaces: Record<string, object>;
  /** Logs what stands on a line that was never ended. */
  finish(): void;
}

export function createCli(host: Host): Cli {
  const environment = Object.entries(host.grants.environment ?? {});
  const stdout = lineSink(host, 'info');
  const stderr = lineSink(host, 'warn');
  const interfaces = {
    'wasi:cli/environment': {
      getEnvironment: () => environment.map(([name, value]): [string, string] => [name, value]),
      getArguments: () => [...(host.grants.arguments ?? [])],
      initialCwd: () => undefined,
    },
    'wasi:cli/exit': {
      exit: (status: { tag: 'ok' | 'err' }) => {
        throw new GuestExit(status.tag === 'ok' ? 0 : 1);
      },
      exitWithCode: (code: number) => {
        throw new GuestExit(code);
      },
    },
    'wasi:cli/stdin': { getStdin: () => new InputStream(() => new Uint8Array()) },
    'wasi:cli/stdout': { getStdout: stdout.stream },
    'wasi:cli/stderr': { getStderr: stderr.stream },
    'wasi:cli/terminal-input': { TerminalInput },
    'wasi:cli/terminal-output': { TerminalOutput },
    'wasi:cli/terminal-stdin': { getTerminalStdin: () => undefined },
    'wasi:cli/terminal-stdout': { getTerminalStdout: () => undefined },
    'wasi:cli/terminal-stderr': { getTerminalStderr: () => undefined },
  };
  return {
    interfaces,
    finish: () => {
      stdout.finish();
      stderr.finish();
    },
  };
}
