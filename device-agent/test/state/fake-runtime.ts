/**
 * A Runtime without guests: keeps to the contract of apps/runtime.ts (what serves, what is warm,
 * what a rejected swap leaves), and fails where a test says that a release fails.
 */
import { createHash } from 'node:crypto';
import {
  FaultError,
  type AppHealth,
  type AppName,
  type Digest,
  type FaultKind,
  type SwapFigures,
} from '@wafer/protocol';
import {
  SwapFailed,
  type AppSpec,
  type Prepared,
  type ReleaseFigures,
  type Runtime,
  type RuntimeEvents,
} from '../../src/apps/runtime.ts';

const FIGURES: SwapFigures = {
  cause: 'release',
  prepareMs: 1,
  startMs: 1,
  probeMs: 1,
  gapMs: 0,
  drainMs: 0,
  lostCalls: 0,
};

type Doing = 'prepare' | 'start' | 'probe' | 'running';

interface Instances {
  serving: AppSpec;
  warm: AppSpec | undefined;
}

export class FakeRuntime implements Runtime {
  readonly events: RuntimeEvents | undefined;
  readonly calls: string[] = [];
  /** Of the swaps that were made. */
  readonly causes: SwapFigures['cause'][] = [];
  /** What the soak sees. */
  compared: { now: ReleaseFigures; before: ReleaseFigures } | undefined;
  /** Whether the last rollback was to take the state along. */
  carried: boolean | undefined;
  readonly delivered: { app: AppName; topic: string; payload: string }[] = [];
  readonly #instances = new Map<AppName, Instances>();
  readonly #failing = new Map<string, FaultKind>();
  /** Awaited in the middle of every swap, for tests that act meanwhile. */
  duringSwap: (spec: AppSpec) => Promise<void> = async () => {};

  constructor(events?: RuntimeEvents) {
    this.events = events;
  }

  /** From now on this version fails when it does that; undefined heals it. */
  fails(version: string, doing: Doing, kind: FaultKind | undefined): void {
    if (kind === undefined) this.#failing.delete(`${version} ${doing}`);
    else this.#failing.set(`${version} ${doing}`, kind);
  }

  /** Version that serves, for assertions. */
  serving(app: string): string | undefined {
    return this.#instances.get(app as AppName)?.serving.version;
  }

  warm(app: string): string | undefined {
    return this.#instances.get(app as AppName)?.warm?.version;
  }

  async prepare(digest: Digest, bytes: Uint8Array): Promise<Prepared> {
    if (createHash('sha256').update(bytes).digest('hex') !== digest) {
      throw new FaultError('digest', 'these are other bytes');
    }
    this.calls.push(`prepare ${digest.slice(0, 8)}`);
    this.#check(Buffer.from(bytes.subarray(0, 100)).toString('utf8').split(' ')[1] ?? '', 'prepare');
    return { digest, folder: '/nowhere', prepareMs: 1 };
  }

  async swap(
    spec: AppSpec,
    prepared: Prepared,
    onStage?: (stage: 'starting' | 'probing') => void,
    cause: SwapFigures['cause'] = 'release',
  ) {
    this.calls.push(`swap ${spec.app} ${spec.version}`);
    if (prepared.digest !== spec.digest) throw new Error('prepared of another component');
    onStage?.('starting');
    await this.duringSwap(spec);
    const reached: SwapFigures = { cause, prepareMs: 1, startMs: 1, lostCalls: 0 };
    this.#stage(spec.version, 'start', reached);
    onStage?.('probing');
    this.#stage(spec.version, 'probe', { ...reached, probeMs: 1 });
    const before = this.#instances.get(spec.app);
    if (before?.warm !== undefined) throw new Error('swap before settle or rollback');
    this.#instances.set(spec.app, { serving: spec, warm: before?.serving });
    this.causes.push(cause);
    return { ...FIGURES, cause };
  }

  async settle(app: AppName): Promise<void> {
    this.calls.push(`settle ${app}`);
    const instances = this.#instances.get(app);
    if (instances !== undefined) instances.warm = undefined;
  }

  soakFigures() {
    return this.compared;
  }

  async rollback(app: AppName, carryState = false): Promise<SwapFigures> {
    this.calls.push(`rollback ${app}`);
    this.carried = carryState;
    const instances = this.#instances.get(app);
    if (instances?.warm === undefined) throw new FaultError('crash-loop', 'nothing is warm');
    this.#instances.set(app, { serving: instances.warm, warm: undefined });
    return { ...FIGURES, cause: 'rollback' };
  }

  async stop(app: AppName): Promise<void> {
    this.calls.push(`stop ${app}`);
    this.#instances.delete(app);
  }

  /** Of each guest, for tests of a board that has little. */
  readonly memoryBytes: Partial<Record<string, number>> = {};

  memory() {
    return [...this.#instances.keys()].map((app) => ({ app, memoryBytes: this.memoryBytes[app] ?? 0 }));
  }

  endTranspiler(): boolean {
    return false;
  }

  giveBack(): void {
    this.calls.push('giveBack');
  }

  async deliver(app: AppName, topic: string, payload: Uint8Array): Promise<void> {
    if (!this.#instances.has(app))
      throw new FaultError('capability-denied', `${app} takes no ${topic}`, topic);
    this.delivered.push({ app, topic, payload: Buffer.from(payload).toString('utf8') });
  }

  async probe(app: AppName): Promise<void> {
    const version = this.#instances.get(app)?.serving.version;
    if (version === undefined) throw new FaultError('unhealthy', `${app} does not run`);
    this.#check(version, 'running');
  }

  overdueMs(): number {
    return 0;
  }

  health(): AppHealth[] {
    return [...this.#instances].map(([app, { serving }]) => ({
      app,
      version: serving.version,
      state: 'running',
      calls: 0,
      faults: 0,
      memoryBytes: 0,
    }));
  }

  async close(): Promise<void> {
    this.#instances.clear();
  }

  #stage(version: string, doing: Doing, figures: SwapFigures): void {
    try {
      this.#check(version, doing);
    } catch (error) {
      throw new SwapFailed(error as FaultError, figures);
    }
  }

  #check(version: string, doing: Doing): void {
    const kind = this.#failing.get(`${version} ${doing}`);
    if (kind !== undefined) throw new FaultError(kind, `${version} fails at ${doing}`);
  }
}
