/**
 * One small component on its whole way: through the child that makes it runnable, into an isolate, to the
 * limit of its memory and past its deadline. What it does is told in test/fixtures/self-test.ts.
 */
import { createHash } from 'node:crypto';
import { FaultError, HealthRule, Limits, type AppName, type Digest, type Version } from '@wafer/protocol';
import { createRuntime } from '../apps/host.ts';
import type { AppSpec, Runtime } from '../apps/runtime.ts';
import { COMPONENT } from './component.ts';

/** What the guest must log. */
export interface GuestAnswers {
  /** CRC-32 of the bytes 0 to 255. */
  readonly start: string;
  /** Pages of 64 KiB that it gets. */
  readonly pages: string;
}

export const GUEST_ANSWERS: GuestAnswers = { start: '29058c73', pages: '00000010' };

const DIGEST = createHash('sha256').update(COMPONENT).digest('hex') as Digest;
const APP = 'self-test' as AppName;
/** Under emulation a call may take a hundred times as long as on a board. */
const DEADLINE_MS = 2000;
/** For the call that never ends. */
const SHORT_MS = 150;

const spec = (deadlineMs: number): AppSpec => ({
  app: APP,
  version: '1.0.0' as Version,
  digest: DIGEST,
  world: 'reactor',
  exports: ['wafer:app/lifecycle@0.1.0', 'wasi:messaging/incoming-handler@0.2.0-draft'],
  grants: { messaging: { publish: [], subscribe: ['#'] } },
  config: {},
  secrets: {},
  limits: Limits.parse({ memoryMiB: 1, deadlineMs }),
  isolation: 'shared',
  triggers: {},
  health: HealthRule.parse({ probeWithinMs: 60_000, soakMs: 0 }),
});

/** A guest under test, and what it has logged. */
export class TestedGuest {
  readonly #runtime: Runtime;
  readonly #answers: GuestAnswers;
  #logged: string[] = [];

  /** `folder` is its own, and is the caller's to remove. */
  constructor(folder: string, answers: GuestAnswers = GUEST_ANSWERS) {
    this.#answers = answers;
    this.#runtime = createRuntime({
      folder,
      storesFolder: `${folder}-stores`,
      isolates: 1,
      events: {
        fault: () => undefined,
        publish: () => undefined,
        used: () => undefined,
        log: (_app, lines) => this.#logged.push(...lines.map(({ text }) => text)),
      },
    });
  }

  async wrongStart(): Promise<string | undefined> {
    await this.#begin(DEADLINE_MS);
    return this.#deviation('it', this.#answers.start);
  }

  async wrongLimit(): Promise<string | undefined> {
    await this.#begin(DEADLINE_MS);
    this.#logged = [];
    await this.#runtime.deliver(APP, 'grow', Buffer.of());
    return this.#deviation('a guest with a limit of 16 pages', this.#answers.pages);
  }

  async wrongDeadline(): Promise<string | undefined> {
    await this.#begin(SHORT_MS);
    await this.#runtime.deliver(APP, 'first', Buffer.of()).catch(() => undefined);
    try {
      await this.#runtime.deliver(APP, 'second', Buffer.of());
    } catch (error) {
      if (error instanceof FaultError && error.fault.kind === 'deadline') return undefined;
      throw error;
    }
    return 'a call that never returns did return';
  }

  close(): Promise<void> {
    return this.#runtime.close();
  }

  async #begin(deadlineMs: number): Promise<void> {
    this.#logged = [];
    const asked = spec(deadlineMs);
    const prepared = await this.#runtime.prepare(DIGEST, COMPONENT, asked.limits);
    await this.#runtime.stop(APP);
    await this.#runtime.swap(asked, prepared);
  }

  #deviation(who: string, answer: string): string | undefined {
    if (this.#logged.includes(answer)) return undefined;
    return `${who} answered ${this.#logged.join(' ') || 'nothing'} instead of ${answer}`;
  }
}
