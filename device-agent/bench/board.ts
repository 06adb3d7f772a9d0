/** A board with one C reactor on it that answers on `replies`, as the agent runs it. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppName, Digest, HealthRule, Limits, Triggers, Version, type Grants } from '@wafer/protocol';
import { createRuntime } from '../src/apps/host.ts';
import type { Prepared } from '../src/apps/runtime.ts';

const EXPORTS = ['wafer:app/lifecycle@0.1.0', 'wasi:messaging/incoming-handler@0.2.0-draft'];
export const GRANTS: Grants = { messaging: { publish: ['replies'], subscribe: ['bench/#'] } };
export const TOPIC = 'bench/call';

export class BenchBoard {
  readonly limits = Limits.parse({
    memoryMiB: 8,
    callsPerSecond: 100_000,
    messagesPerMinute: 100_000_000,
    outgoingBytesPerMinute: 2 ** 40,
    deadlineMs: 60_000,
  });
  readonly #folder = mkdtempSync(join(tmpdir(), 'wafer-bench-'));
  #reply: Uint8Array | undefined;
  readonly #runtime = createRuntime({
    folder: this.#folder,
    storesFolder: join(this.#folder, 'stores'),
    isolates: 1,
    events: {
      fault: (_, __, fault) => process.stderr.write(`${fault.kind}: ${fault.message}\n`),
      publish: (_, __, payload) => void (this.#reply = payload),
      used: () => undefined,
      log: () => undefined,
    },
  });

  async install(name: string, component: Uint8Array): Promise<Prepared> {
    const digest = Digest.parse(createHash('sha256').update(component).digest('hex'));
    const prepared = await this.#runtime.prepare(digest, component, this.limits);
    const spec = {
      app: AppName.parse(name),
      version: Version.parse('1.0.0'),
      digest,
      world: 'reactor' as const,
      exports: EXPORTS,
      grants: GRANTS,
      config: {},
      secrets: {},
      limits: this.limits,
      isolation: 'shared' as const,
      triggers: Triggers.parse({}),
      health: HealthRule.parse({}),
    };
    await this.#runtime.swap(spec, prepared);
    return prepared;
  }

  /** Resolves with the guest's reply when its handler has returned. */
  async call(name: string, payload: Uint8Array): Promise<Uint8Array> {
    this.#reply = undefined;
    await this.#runtime.deliver(AppName.parse(name), TOPIC, payload);
    if (this.#reply === undefined) throw new Error('the guest did not reply');
    return this.#reply;
  }

  async close(): Promise<void> {
    await this.#runtime.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
