/**
 * Where attacks are made: a runtime as the agent has it, with real guests, and a yard of folders of which
 * some were granted. An attack tells what stopped it, and must have asserted something.
 */
import { mkdirSync, mkdtempSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Grants } from '@wafer/protocol';
import { Board, type SpecParts } from '../apps/harness.ts';

/** `run` answers what stopped the attack, for people. */
export function attack(name: string, run: () => Promise<string>, timeoutMs = 60_000): void {
  it(
    name,
    async ({ task }) => {
      expect.hasAssertions();
      const stoppedBy = await run();
      if (stoppedBy === '') throw new Error('it does not say what stopped the attack');
      task.meta.stoppedBy = stoppedBy;
    },
    timeoutMs,
  );
}

export const intruder = readFileSync(join(import.meta.dirname, '../fixtures/intruder.wasm'));

/** What every intruder needs in order to be told and to tell. */
const TALK: Grants = { messaging: { publish: ['out/#'], subscribe: ['do/#'] } };

type Argument = string | number | boolean | null | readonly Argument[] | { readonly [key: string]: Argument };

/** One thing that the intruder does; fixtures/intruder.js says how. */
export interface Step {
  readonly on?: string;
  readonly call?: string;
  readonly make?: string;
  readonly with?: readonly Argument[];
  readonly as?: string;
  readonly times?: number;
  readonly keeps?: boolean;
  /** The error that ends the call, after all other steps. */
  readonly fails?: Argument;
}

/** Sends a message on each topic; every third answer is that of a send. */
export const sending = (topics: readonly string[]): Step[] =>
  topics.flatMap((topic): Step[] => [
    { on: 'messaging.Client', call: 'connect', with: [''], as: 'client' },
    { on: 'messaging', make: 'Message', with: [{ bytes: 'x' }], as: 'message' },
    { on: 'producer', call: 'send', with: [{ handle: 'client' }, topic, { handle: 'message' }] },
  ]);

export interface Came {
  readonly ok?: unknown;
  readonly error?: unknown;
}

let apps = 0;

/** An app of its own for each attack: what one was reported for must not hide what another is. */
export const freshApp = (): string => `intruder-${(apps += 1)}`;

export class Stage extends Board {
  /** Starts an intruder; answers its app. */
  async enter(parts: SpecParts = {}): Promise<string> {
    const app = parts.app ?? freshApp();
    await this.install({ ...parts, app, grants: { ...TALK, ...parts.grants } }, intruder);
    return app;
  }

  async steps(app: string, ...steps: readonly Step[]): Promise<Came[]> {
    const answer = await this.ask('steps', steps, app);
    return answer as Came[];
  }

  /** `kind: subject` of every fault that was raised, in order, each once however often it was repeated. */
  faultsOf(app: string): string[] {
    const told = this.told.faults
      .filter((fault) => fault.app === app)
      .map(({ fault }) => `${fault.kind}: ${fault.subject ?? fault.message}`);
    return [...new Set(told)];
  }
}

/** Everything below a folder, so that any change of it shows. */
function contents(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .toSorted()
    .map((name) => {
      const path = join(folder, name);
      const { mode, size, mtimeMs, nlink, ino } = lstatSync(path);
      const text = lstatSync(path).isFile() ? readFileSync(path, 'latin1') : '';
      return [name, mode, size, mtimeMs, nlink, ino, text].join(' ');
    });
}

export const SECRET = 'the secret';

/**
 *     inside/   granted as /data, to write      note, sub/
 *     closed/   granted as /only, to read       note, sub/
 *     outside/  not granted                     secret, dir/
 */
export class Yard {
  readonly folder = mkdtempSync(join(tmpdir(), 'wafer-yard-'));
  readonly #before: readonly string[];

  constructor() {
    for (const name of ['inside/sub', 'closed/sub', 'outside/dir']) {
      mkdirSync(this.path(name), { recursive: true });
    }
    writeFileSync(this.path('inside/note'), 'mine to write');
    writeFileSync(this.path('closed/note'), 'mine to read');
    writeFileSync(this.path('outside/secret'), SECRET);
    this.#before = this.#forbidden();
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  get grants(): Grants {
    return {
      filesystem: [
        { host: this.path('inside'), guest: '/data', access: 'write' },
        { host: this.path('closed'), guest: '/only', access: 'read' },
      ],
    };
  }

  #forbidden(): string[] {
    return [...contents(this.path('outside')), ...contents(this.path('closed'))];
  }

  /** Nothing changed that must not, and nothing that came back tells the secret. */
  expectUntouched(came: unknown): void {
    expect(this.#forbidden()).toEqual(this.#before);
    expect(JSON.stringify(came)).not.toContain(SECRET);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
