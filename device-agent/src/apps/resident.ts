/**
 * What an app has running: a reactor's instance, which stays, a command's job, which ends, or a service,
 * which goes on. Swaps and the app's book-keeping treat them alike.
 */
import type { AppState, FaultError } from '@wafer/protocol';
import type { Call } from './calls.ts';
import type { Notice } from './isolate.ts';
import type { Allowance } from './outgoing.ts';
import type { Exported, GuestCall, Image } from './port.ts';
import type { AppSpec } from './runtime.ts';

export interface ResidentEvents {
  /** It did something wrong, in a call or between calls. */
  fault(fault: FaultError): void;
  /** It failed once more in a row that has been told. */
  repeated(): void;
  /** It was denied a use, or held back by a limit, so many times; that ended no call. */
  refused(fault: FaultError, count: number): void;
  notice(notice: Exclude<Notice, { type: 'refused' | 'worked' }>): void;
  /** It ran for so long, and used these grants. */
  worked(busyMs: number, used: readonly string[]): void;
  /** What a new instance may send. */
  allowance(): Allowance;
}

/** It failed so often in a row that it has to rest. */
export interface CrashLoop {
  readonly failures: number;
  readonly nextTryInMs: number;
}

export interface Resident {
  readonly spec: AppSpec;
  readonly image: Image;
  readonly state: AppState;
  readonly memoryBytes: number;
  /** Keys and values in the stores that it was granted, bytes. */
  readonly storeBytes: number;
  /** As `memoryBytes`, but of the last run where nothing is held between runs. */
  readonly workBytes: number;
  readonly crashLoop: CrashLoop | undefined;
  /** Messages and ticks finished so far. */
  readonly workDone: number;

  /** A call is running in it. */
  readonly isBusy: boolean;

  /** The most calls that waited for it at a time since this was last asked. */
  takeMostWaiting(): number;
  has(exported: Exported): boolean;
  /** Rejects with the fault that prevented it; it is gone then. */
  start(): Promise<void>;
  /** Rejects with a fault while it is not healthy. */
  check(): Promise<void>;
  /** A control call, for its value. */
  ask(call: GuestCall): Promise<Uint8Array | undefined>;
  /** `done` is called exactly once. */
  enqueue(call: Call): void;
  /** Keeps work waiting, control calls pass. */
  hold(): void;
  resume(): void;
  takeWork(): Call[];
  adopt(work: readonly Call[]): void;
  /** Resolves when no call is running in it. */
  idle(): Promise<void>;
  stop(): Promise<void>;
  /** Notes its state, so that it has it again when a neighbour costs it its isolate. */
  keepSnapshot?(): void;
  /** It serves no more but may be gone back to: what would go on by itself ends. */
  park?(): void;
  /** It is to serve again. Rejects with the fault that prevents it. */
  unpark?(): Promise<void>;
}
