/** A runtime with the puppet guest in it, and everything that it told. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AppName,
  Digest,
  FaultError,
  HealthRule,
  Limits,
  Triggers,
  Version,
  type Fault,
  type Grants,
  type LogLevel,
} from '@wafer/protocol';
import { createRuntime } from '../../src/apps/host.ts';
import type { AppSpec, Prepared, Runtime, RuntimeOptions } from '../../src/apps/runtime.ts';

export const digestOf = (bytes: Uint8Array): Digest =>
  Digest.parse(createHash('sha256').update(bytes).digest('hex'));

export const puppet = readFileSync(join(import.meta.dirname, '../fixtures/puppet.wasm'));

export interface SpecParts {
  readonly app?: string;
  readonly version?: string;
  readonly world?: 'reactor' | 'command';
  readonly grants?: Grants;
  readonly config?: Record<string, string>;
  readonly secrets?: Record<string, string>;
  readonly limits?: Partial<Limits>;
  readonly health?: Partial<HealthRule>;
  readonly everyMs?: number;
  readonly triggers?: Triggers;
  readonly isolation?: 'shared' | 'dedicated';
  readonly exports?: readonly string[];
}

export const TALK: Grants = {
  clock: true,
  random: true,
  messaging: { publish: ['out/#'], subscribe: ['do/#'] },
};

export const EXPORTS = [
  'wafer:app/lifecycle@0.1.0',
  'wafer:app/health@0.1.0',
  'wafer:app/timer@0.1.0',
  'wafer:app/state@0.1.0',
  'wasi:messaging/incoming-handler@0.2.0-draft',
];

export function specOf(digest: Digest, parts: SpecParts = {}): AppSpec {
  return {
    app: AppName.parse(parts.app ?? 'puppet'),
    version: Version.parse(parts.version ?? '1.0.0'),
    digest,
    world: parts.world ?? 'reactor',
    exports: parts.exports ?? EXPORTS,
    grants: parts.grants ?? TALK,
    config: parts.config ?? {},
    secrets: parts.secrets ?? {},
    // The puppet answers every call with a message.
    limits: Limits.parse({
      deadlineMs: 2000,
      messagesPerMinute: 100_000,
      outgoingBytesPerMinute: 2 ** 30,
      ...parts.limits,
    }),
    isolation: parts.isolation ?? 'shared',
    triggers: Triggers.parse(
      parts.triggers ?? (parts.everyMs === undefined ? {} : { everyMs: parts.everyMs }),
    ),
    health: HealthRule.parse({ probeWithinMs: 2000, ...parts.health }),
  };
}

export interface Told {
  /** Each with how often it was told to have happened. */
  readonly faults: { app: string; version: string; fault: Fault; count: number }[];
  readonly published: { app: string; topic: string; payload: string }[];
  readonly lines: { app: string; level: LogLevel; text: string }[];
  readonly used: { app: string; grants: readonly string[] }[];
  dropped: number;
}

export class Board {
  readonly folder = mkdtempSync(join(tmpdir(), 'wafer-apps-'));
  readonly told: Told = { faults: [], published: [], lines: [], used: [], dropped: 0 };
  readonly runtime: Runtime;

  constructor(
    isolates = 1,
    more: Pick<RuntimeOptions, 'openSecrets' | 'network' | 'hardware' | 'isExpectingGuests'> = {},
  ) {
    this.runtime = createRuntime({
      folder: join(this.folder, 'prepared'),
      storesFolder: join(this.folder, 'stores'),
      isolates,
      ...more,
      events: {
        fault: (app, version, fault, count = 1) => void this.told.faults.push({ app, version, fault, count }),
        publish: (app, topic, payload) =>
          void this.told.published.push({ app, topic, payload: Buffer.from(payload).toString('latin1') }),
        used: (app, grants) => void this.told.used.push({ app, grants }),
        log: (app, lines, dropped) => {
          this.told.lines.push(...lines.map(({ level, text }) => ({ app, level, text })));
          this.told.dropped += dropped;
        },
      },
    });
  }

  prepare(bytes: Uint8Array = puppet): Promise<Prepared> {
    return this.runtime.prepare(digestOf(bytes), bytes, Limits.parse({}));
  }

  async install(parts: SpecParts = {}, bytes: Uint8Array = puppet) {
    const prepared = await this.prepare(bytes);
    return this.runtime.swap(specOf(prepared.digest, parts), prepared);
  }

  deliver(action: string, args?: unknown, app = 'puppet'): Promise<void> {
    const payload = Buffer.from(args === undefined ? '' : JSON.stringify(args));
    return this.runtime.deliver(AppName.parse(app), `do/${action}`, payload);
  }

  /** What the puppet answers. */
  async ask(action: string, args?: unknown, app = 'puppet'): Promise<unknown> {
    const before = this.told.published.length;
    await this.deliver(action, args, app);
    const answer = this.told.published
      .slice(before)
      .findLast((one) => one.topic === `out/${action}` && one.app === app);
    return answer === undefined ? undefined : JSON.parse(answer.payload);
  }

  forget(): void {
    this.told.faults.length = 0;
    this.told.published.length = 0;
    this.told.lines.length = 0;
    this.told.used.length = 0;
    this.told.dropped = 0;
  }

  async close(): Promise<void> {
    await this.runtime.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const PUPPET = AppName.parse('puppet');

/** The fault that a promise rejects with; fails when it does not. */
export async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
  throw new Error('it did not fail');
}
