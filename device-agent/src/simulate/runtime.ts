/**
 * The isolate of a simulated device. It keeps to the contract of apps/runtime.ts (what serves, what is
 * warm, what a refused swap leaves) without any Wasm, and does to releases what the device's nature says.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  FaultError,
  type AppHealth,
  type AppName,
  type Digest,
  type SwapFigures,
  type Version,
} from '@wafer/protocol';
import {
  SwapFailed,
  type AppSpec,
  type Prepared,
  type Runtime,
  type RuntimeEvents,
} from '../apps/runtime.ts';
import type { Nature } from './nature.ts';

/** A trap comes within this after the switch, and within half of the soak. */
const TRAP_WITHIN_MS = 2000;
/** More than any health rule forgives. */
const MANY = 1_000_000;
const MEMORY_BYTES = 1024 * 1024;

export interface Fate {
  readonly nature: Nature;
  /** Empty: every release that replaces another. */
  readonly bad: readonly Version[];
  readonly slowMs: number;
  /** Whether it took an order and is not heard of meanwhile. */
  readonly isSilent: () => boolean;
}

interface Instances {
  serving: AppSpec;
  warm: AppSpec | undefined;
}

export class SimulatedRuntime implements Runtime {
  readonly #fate: Fate;
  readonly #events: RuntimeEvents;
  readonly #instances = new Map<AppName, Instances>();
  /** Components that have served here. */
  readonly #proven = new Set<Digest>();
  readonly #leaving = new AbortController();

  constructor(fate: Fate, events: RuntimeEvents, proven: readonly Digest[]) {
    this.#fate = fate;
    this.#events = events;
    this.#proven = new Set(proven);
  }

  /** Whether the device's behaviour is about this release. */
  isMeant(version: Version, digest: Digest): boolean {
    const { bad } = this.#fate;
    if (bad.length > 0) return bad.includes(version);
    return this.#proven.size > 0 && !this.#proven.has(digest);
  }

  async prepare(
    digest: Digest,
    _bytes: Uint8Array,
    _limits: unknown,
    signal?: AbortSignal,
  ): Promise<Prepared> {
    if (this.#fate.isSilent()) await this.#hang(signal);
    await this.#takeTime('prepare', signal);
    return { digest, folder: '', prepareMs: 0 };
  }

  async swap(
    spec: AppSpec,
    _prepared: Prepared,
    onStage?: (stage: 'starting' | 'probing') => void,
    cause: SwapFigures['cause'] = 'release',
  ): Promise<SwapFigures> {
    const { behaviour } = this.#fate.nature;
    const isMeant = cause === 'release' && this.isMeant(spec.version, spec.digest);
    onStage?.('starting');
    await this.#takeTime('start');
    onStage?.('probing');
    await this.#takeTime('probe');
    const figures: SwapFigures = { cause, prepareMs: 0, startMs: 0, probeMs: 0, lostCalls: 0 };
    if (isMeant && behaviour === 'fail') {
      throw new SwapFailed(new FaultError('probe-failed', `${spec.app} ${spec.version} is unwell`), figures);
    }
    const serving = this.#instances.get(spec.app)?.serving;
    this.#instances.set(spec.app, { serving: spec, warm: cause === 'release' ? serving : undefined });
    if (isMeant && behaviour === 'trap') this.#trapSoon(spec);
    else this.#proven.add(spec.digest);
    return { ...figures, gapMs: 0, drainMs: 0 };
  }

  settle(app: AppName): Promise<void> {
    const instances = this.#instances.get(app);
    if (instances !== undefined) instances.warm = undefined;
    return Promise.resolve();
  }

  soakFigures(): undefined {
    return undefined;
  }

  rollback(app: AppName): Promise<SwapFigures> {
    const warm = this.#instances.get(app)?.warm;
    if (warm === undefined) return Promise.reject(new FaultError('trap', 'nothing is warm'));
    this.#instances.set(app, { serving: warm, warm: undefined });
    return Promise.resolve({ cause: 'rollback', prepareMs: 0, gapMs: 0, drainMs: 0, lostCalls: 0 });
  }

  stop(app: AppName): Promise<void> {
    this.#instances.delete(app);
    return Promise.resolve();
  }

  deliver(): Promise<void> {
    return Promise.resolve();
  }

  probe(): Promise<void> {
    return Promise.resolve();
  }

  overdueMs(): number {
    return 0;
  }

  health(): AppHealth[] {
    return [...this.#instances].map(([app, { serving, warm }]) => ({
      app,
      version: serving.version,
      state: warm === undefined ? 'running' : 'soaking',
      calls: 0,
      faults: 0,
      memoryBytes: MEMORY_BYTES,
    }));
  }

  memory(): [] {
    return [];
  }

  endTranspiler(): boolean {
    return false;
  }

  giveBack(): void {
    // There is nothing that could be given.
  }

  close(): Promise<void> {
    this.#leaving.abort(new FaultError('link', 'the fleet ends'));
    return Promise.resolve();
  }

  #trapSoon({ app, version, digest, health }: AppSpec): void {
    const within = Math.min(TRAP_WITHIN_MS, health.soakMs / 2);
    const timer = setTimeout(
      () => {
        if (this.#instances.get(app)?.serving.digest !== digest) return;
        this.#events.fault(app, version, { kind: 'trap', message: `${app} ${version} trapped` }, MANY);
      },
      this.#fate.nature.draw(`trap ${version}`) * within,
    );
    this.#leaving.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }

  /** Until nobody waits for it any more. */
  #hang(signal: AbortSignal | undefined): Promise<never> {
    const ends = AbortSignal.any([this.#leaving.signal, ...(signal === undefined ? [] : [signal])]);
    return new Promise((_, reject) => {
      ends.addEventListener('abort', () => reject(ends.reason as Error), { once: true });
      if (ends.aborted) reject(ends.reason as Error);
    });
  }

  async #takeTime(stage: string, signal?: AbortSignal): Promise<void> {
    const { nature, slowMs } = this.#fate;
    if (nature.behaviour !== 'slow') return;
    const ends = AbortSignal.any([this.#leaving.signal, ...(signal === undefined ? [] : [signal])]);
    await sleep((0.5 + nature.draw(stage)) * slowMs, undefined, { signal: ends });
  }
}
