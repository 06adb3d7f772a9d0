/** A person at a terminal: a home folder, a signed-in CLI, and what it wrote. */
import { Writable } from 'node:stream';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { run } from '../src/program.ts';
import { FleetServer, TOKEN } from './fleet-server.ts';

/** 2026-11-21T09:00:00Z */
const NOW = Date.UTC(2026, 10, 21, 9);

class Captured extends Writable {
  text = '';
  readonly isTTY: boolean;
  /** As a terminal that does not know how wide it is. */
  readonly columns = 0;
  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
  /** What cli-progress asks of a terminal. */
  cursorTo(): boolean {
    return true;
  }
  clearLine(): boolean {
    return true;
  }
  moveCursor(): boolean {
    return true;
  }
}

export interface Run {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as the one JSON value that it must be. */
  readonly json: () => Record<string, unknown>;
}

export interface Person {
  readonly server: FleetServer;
  readonly folder: string;
  readonly origin: string;
  readonly wafer: (...args: string[]) => Promise<Run>;
  /** ms since 1970, on this person's clock. */
  now: number;
  /** Variables beside those of the test itself. */
  readonly env: Record<string, string>;
  /** Writes a file into the folder; gives its path. */
  readonly file: (name: string, content: string | Uint8Array) => Promise<string>;
  readonly leave: () => Promise<void>;
}

export async function signedIn(
  options: { terminal?: boolean; stdin?: string | Uint8Array; types?: string | string[] } = {},
): Promise<Person> {
  const folder = await mkdtemp(join(tmpdir(), 'wafer-cli-'));
  const server = new FleetServer();
  const origin = await server.listen();
  const file = async (name: string, content: string | Uint8Array) => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  const credentials = await file('credentials.json', JSON.stringify({ api: origin, token: TOKEN }));
  const self = { now: NOW, env: {} };
  const typed = [options.types ?? []].flat();
  const wafer = async (...args: string[]): Promise<Run> => {
    const stdout = new Captured(options.terminal ?? false);
    const stderr = new Captured(options.terminal ?? false);
    const exit = await run(args, {
      env: { WAFER_CREDENTIALS: credentials, XDG_CONFIG_HOME: folder, ...self.env },
      cwd: folder,
      clock: { now: () => self.now },
      sleep: async (ms) => {
        self.now += ms;
        await nextTurn();
      },
      stdout,
      stderr,
      readStdin: () => Promise.resolve(Buffer.from(options.stdin ?? '').toString('utf8')),
      readStdinBytes: () => Promise.resolve(Buffer.from(options.stdin ?? '')),
      // The last answer is given again and again.
      askHidden:
        options.types === undefined
          ? undefined
          : () => Promise.resolve((typed.length > 1 ? typed.shift() : typed[0]) ?? ''),
    });
    return {
      exit,
      stdout: stdout.text,
      stderr: stderr.text,
      json: () => JSON.parse(stdout.text) as Record<string, unknown>,
    };
  };
  const leave = async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
  return Object.assign(self, { server, folder, origin, wafer, file, leave });
}
