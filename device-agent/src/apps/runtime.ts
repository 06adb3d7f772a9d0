/**
 * The contract between the agent's state machine (which decides) and the app host (which runs
 * guests). `createRuntime` in host.ts implements it on warm worker threads.
 *
 * Invariants: bytes are instantiated only from a `Prepared` made of the bytes that were hashed;
 * during a swap every call gets an answer, from the old instance or the new one; a guest that
 * loops, grows, floods or traps harms neither the agent nor its neighbours; whatever fails is a
 * `FaultError`, never a crash.
 */
import {
  FaultError,
  type AppHealth,
  type AppName,
  type Digest,
  type Fault,
  type Grants,
  type HealthRule,
  type Isolation,
  type Limits,
  type LogLevel,
  type SwapFigures,
  type Triggers,
  type Version,
  type World,
} from '@wafer/protocol';
import type { OpenSecrets } from './unseal.ts';
import type { StandIn } from '../capabilities/board/thread.ts';
import type { NetworkThread } from '../capabilities/http/networks.ts';

/** A component made runnable, kept on disk by (digest, transpiler version). */
export interface Prepared {
  readonly digest: Digest;
  /** Folder with the transpiled JavaScript and the core modules. */
  readonly folder: string;
  /** How long the transpiling child took, ms; 0 when it was there already. */
  readonly prepareMs: number;
}

/** Everything that fixes one instance's behaviour. */
export interface AppSpec {
  readonly app: AppName;
  readonly version: Version;
  readonly digest: Digest;
  readonly world: World;
  readonly exports: readonly string[];
  readonly grants: Grants;
  readonly config: Readonly<Record<string, string>>;
  /** Sealed, name → base64; they are opened when an instance is created. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly limits: Limits;
  readonly isolation: Isolation;
  readonly triggers: Triggers;
  readonly health: HealthRule;
}

/** A swap that left the old instance serving; with the figures of the stages that it reached. */
export class SwapFailed extends FaultError {
  readonly figures: SwapFigures;

  constructor(error: FaultError, figures: SwapFigures) {
    super(error.fault.kind, error.fault.message, error.fault.subject, { cause: error });
    this.figures = figures;
  }
}

/** How a release did, over at most as long as it soaks. */
export interface ReleaseFigures {
  readonly version: Version;
  readonly calls: number;
  readonly faults: number;
  /** Latency of nine calls in ten, ms; undefined when there were none. */
  readonly p90Ms: number | undefined;
  /** Linear memory, bytes; of a command that of its last run. */
  readonly memoryBytes: number;
}

/** What the runtime tells about guests as it happens. */
export interface RuntimeEvents {
  /**
   * A fault of the serving instance, or what any instance was denied or a limit held back, `count` times.
   * Not raised for failures of `swap`, which rejects instead.
   */
  fault(app: AppName, version: Version, fault: Fault, count?: number): void;
  /** A guest's message for the server, already checked against its grants. */
  publish(app: AppName, topic: string, payload: Uint8Array): void;
  /** Grants that a guest has used, by their names; each of them now and then. */
  used(app: AppName, grants: readonly string[]): void;
  /** Log lines that the budget let through, and how many it did not. */
  log(app: AppName, lines: readonly { level: LogLevel; text: string; at: number }[], dropped: number): void;
}

export interface Runtime {
  /**
   * Makes the component runnable in a throwaway child process. `bytes` must hash to `digest`;
   * rejects with a `prepare` or `memory-limit` fault. May reject early once `signal` says that nobody
   * waits for it any more.
   */
  prepare(digest: Digest, bytes: Uint8Array, limits: Limits, signal?: AbortSignal): Promise<Prepared>;

  /**
   * Starts the candidate beside the running instance, restores what the running one saved where
   * both can, probes it, switches every new call to it and drains the old. Resolves once the
   * candidate serves; the old instance then stays warm until `settle` or `rollback`. Rejects with
   * `SwapFailed`, the old instance still serving, when start or probe fail. Without a running instance
   * it is a plain start. `onStage` is told when it goes from starting to probing.
   */
  swap(
    spec: AppSpec,
    prepared: Prepared,
    onStage?: (stage: 'starting' | 'probing') => void,
    cause?: SwapFigures['cause'],
  ): Promise<SwapFigures>;

  /** The candidate has proved itself: the previous instance goes. */
  settle(app: AppName): Promise<void>;

  /** How the release that soaks does, and how the one before did; undefined when none is warm. */
  soakFigures(app: AppName): { readonly now: ReleaseFigures; readonly before: ReleaseFigures } | undefined;

  /**
   * Switches back to the previous instance, which is still warm, and drops the candidate. With
   * `carryState` the previous one goes on with what the candidate saves, where both can; otherwise, or
   * when that fails, with the state it had.
   */
  rollback(app: AppName, carryState?: boolean): Promise<SwapFigures>;

  /** Stops the app; idempotent. */
  stop(app: AppName): Promise<void>;

  /**
   * A message for a guest. Resolves when its handler has returned; rejects with a fault, of kind
   * `capability-denied` when no subscribe grant covers the topic.
   */
  deliver(app: AppName, topic: string, payload: Uint8Array): Promise<void>;

  /** Asks the serving instance's health export; a guest without one is healthy while it lives. */
  probe(app: AppName): Promise<void>;

  /** What the guests of each app hold of memory now, bytes; those that are kept warm count with it. */
  memory(): Pick<AppHealth, 'app' | 'memoryBytes'>[];

  /**
   * Ends the transpiler, if it runs, because the board has no memory for it: what waits for it fails with a
   * `memory-limit` fault. Answers whether it ran.
   */
  endTranspiler(): boolean;

  /** Gives memory back to the system that nobody uses now, at the price of time when it is needed again. */
  giveBack(): void;

  /** One entry for each app that has an instance; latencies since the last call of this. */
  health(): AppHealth[];

  /** By how much a guest's call has outlasted its deadline, ms: more than a moment means that ending it failed. */
  overdueMs(): number;

  /** Ends every isolate. */
  close(): Promise<void>;
}

export interface RuntimeOptions {
  /** Where prepared components are kept. */
  readonly folder: string;
  /** Where the apps' key-value stores are, a folder for each app: what is here outlives everything. */
  readonly storesFolder: string;
  /** Warm worker threads shared by all guests. */
  readonly isolates: number;
  /** Guests will be started in a moment: the first isolate is made meanwhile. Default: false. */
  readonly isExpectingGuests?: boolean;
  /** Without it there is no key, and no app gets a secret. */
  readonly openSecrets?: OpenSecrets;
  /** What the network thread runs; the board's own resolver and certificates unless told otherwise. */
  readonly network?: NetworkThread;
  /** What stands in for the kernel's pins, buses and sensors; the board's own unless told otherwise. */
  readonly hardware?: StandIn;
  /** The board's clock, ms since 1970, for schedules; default `Date.now`. */
  readonly wallNow?: () => number;
  /** Most that the transpiler's own memory may grow to, MiB. Default: 512. */
  readonly transpilerMiB?: number;
  /** Keeps a transpiler ready, at 150 MB, where a person waits for each swap. Default: false. */
  readonly spareTranspiler?: boolean;
  readonly events: RuntimeEvents;
}
