/**
 * What the agent's main thread and an isolate say to each other. The main thread sends one task at a
 * time and waits for its `done`; so a task's clock begins when it is sent, and nothing is lost in an
 * isolate that has to be ended. Both ends are ours: no guest writes here.
 */
import type { FaultKind, Grants, LogLevel } from '@wafer/protocol';
import type { Lines } from './lines.ts';
import type { Allowance } from './outgoing.ts';

/** Numbers an instance of a guest, unique in this process. */
export type GuestId = number & { readonly __brand: 'GuestId' };

let lastGuest = 0;
export const nextGuest = (): GuestId => (lastGuest += 1) as GuestId;

/** Names compiled code: component digest and memory limit. */
export type ImageKey = string & { readonly __brand: 'ImageKey' };

export interface CompiledModule {
  readonly name: string;
  readonly module: WebAssembly.Module;
  readonly memoryBytes: number;
  readonly instances: number;
}

/** Code that is ready to be instantiated in any isolate. */
export interface Image {
  readonly key: ImageKey;
  /** Body of a function that answers `instantiate`. */
  readonly script: string;
  readonly modules: readonly CompiledModule[];
}

export type GuestCall =
  | { readonly name: 'start' | 'stop' | 'check' | 'tick' | 'save' | 'run' }
  | { readonly name: 'restore'; readonly snapshot: Uint8Array }
  | { readonly name: 'handle'; readonly topic: string; readonly payload: Uint8Array };

export type FirstCall = 'start' | 'run';

export type Task =
  | {
      readonly type: 'create';
      readonly guest: GuestId;
      readonly image: ImageKey;
      readonly grants: Grants;
      readonly config: Readonly<Record<string, string>>;
      /** In clear; they are nowhere else but in the isolate. */
      readonly secrets: Readonly<Record<string, Uint8Array>>;
      readonly logBytesPerMinute: number;
      readonly allowance: Allowance;
      /**
       * Called in the same turn when the instance exports it, which saves waking both threads once more.
       * It has a deadline of its own (stages.ts).
       */
      readonly first: FirstCall | undefined;
      /** To what it was granted of other threads; their ports go to the isolate. */
      readonly lines: Lines;
      /** Present for a service, whose one call does not end: its memory in 64 KiB pages, as it last said. */
      readonly service?: Int32Array | undefined;
    }
  | { readonly type: 'call'; readonly guest: GuestId; readonly call: GuestCall };

export type ToIsolate =
  | Task
  | { readonly type: 'load'; readonly image: Image }
  | { readonly type: 'unload'; readonly image: ImageKey }
  | { readonly type: 'drop'; readonly guest: GuestId }
  | { readonly type: 'collect' };

/** Exports that the agent calls, as an instance has them. */
export type Exported = 'lifecycle' | 'health' | 'timer' | 'state' | 'handler' | 'run';

/** Each with the name under which components export it; versions that are compatible are served alike. */
const INTERFACES: readonly (readonly [Exported, RegExp])[] = [
  ['lifecycle', /^wafer:app\/lifecycle@0\.1\./],
  ['health', /^wafer:app\/health@0\.1\./],
  ['timer', /^wafer:app\/timer@0\.1\./],
  ['state', /^wafer:app\/state@0\.1\./],
  ['handler', /^wasi:messaging\/incoming-handler@0\.2\./],
  ['run', /^wasi:cli\/run@0\.2\./],
];

/** What an export's full name stands for; undefined for what the agent does not call. */
export const exportedAs = (name: string): Exported | undefined =>
  INTERFACES.find(([, pattern]) => pattern.test(name))?.[0];

/** How a call ended. After `fault` and `exit` the instance is finished. */
export type CallOutcome =
  | { readonly status: 'returned'; readonly value?: Uint8Array }
  /** The guest answered the `err` case of its result. */
  | { readonly status: 'error'; readonly message: string }
  | { readonly status: 'exit'; readonly code: number }
  | {
      readonly status: 'fault';
      readonly kind: FaultKind;
      readonly message: string;
      readonly subject?: string;
    };

/** How a task ended. */
export type Outcome =
  | CallOutcome
  | {
      readonly status: 'created';
      readonly exports: readonly Exported[];
      /** How the task's first call ended; undefined when there was none to make. */
      readonly first?: CallOutcome;
    };

export type FromIsolate =
  | { readonly type: 'ready' }
  | {
      readonly type: 'done';
      readonly outcome: Outcome;
      readonly memoryBytes: number;
      /** Time in the guest and in what it called, ms. */
      readonly busyMs: number;
      /** Grants that it used, each at most once in a while; absent when there is none to tell. */
      readonly used?: readonly string[];
    }
  | {
      readonly type: 'log';
      readonly guest: GuestId;
      readonly line: { readonly level: LogLevel; readonly text: string; readonly at: number } | undefined;
      readonly dropped: number;
    }
  | {
      readonly type: 'publish';
      readonly guest: GuestId;
      readonly topic: string;
      readonly payload: Uint8Array;
    }
  /** Of a service, whose one call does not end, now and then: as `done` tells it of others. */
  | {
      readonly type: 'worked';
      readonly guest: GuestId;
      readonly busyMs: number;
      readonly used?: readonly string[];
    }
  /** What left the guest by another way than `publish`, and was booked. */
  | { readonly type: 'spent'; readonly guest: GuestId; readonly messages: number; readonly bytes: number }
  /** A use that was denied, or held back by a limit, and did not end the call. */
  | {
      readonly type: 'refused';
      readonly guest: GuestId;
      readonly count: number;
      readonly kind: FaultKind;
      readonly message: string;
      readonly subject: string;
    };
