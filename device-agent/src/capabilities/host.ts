/**
 * What a capability may ask of the thread that it runs in, and the three ways in which a host function
 * ends other than by returning. Everything here is loaded into every isolate, so it imports no schemas.
 */
import type { FaultKind, Grants, LogLevel } from '@wafer/protocol';
import type { Redactor } from './redact.ts';

/** One guest's view of its host. */
export interface Host {
  readonly grants: Grants;
  readonly config: Readonly<Record<string, string>>;
  /** Values of granted secrets that are set. */
  readonly secrets: Readonly<Record<string, Uint8Array>>;
  /** Finds them in what the guest says. */
  readonly redactor: Redactor;
  /** A line for the log, within the guest's budget; secrets in it are replaced, what is too long is cut. */
  log(level: LogLevel, text: string): void;
  /** Hands on a message whose topic was checked. False when the call has sent as much as one call may. */
  publish(topic: string, payload: Uint8Array): boolean;
  /**
   * Counts what the guest sends against its limits of a minute; false when it may not, which the host has
   * put on record. Without it nothing is counted.
   */
  spend?(messages: number, bytes: number): boolean;
  /** Puts a use that no grant covers on record. */
  report(refusal: Refusal): void;
}

const withIntegers = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value;

/** The `err` case of a WIT `result`; the generated bindings take the value from `payload`. */
export class WitError<T> extends Error {
  override readonly name = 'WitError';
  /** The latest of this isolate, which runs one call at a time: what a guest let go by is told by it. */
  static latest: WitError<unknown> | undefined;
  readonly payload: T;

  constructor(payload: T) {
    super(typeof payload === 'string' ? payload : JSON.stringify(payload, withIntegers));
    this.payload = payload;
    WitError.latest = this;
  }
}

/** Ends the guest's call with a fault. It is no WIT error, so the guest sees a trap. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: FaultKind;
  readonly subject: string;

  constructor(kind: FaultKind, message: string, subject: string) {
    super(message);
    this.kind = kind;
    this.subject = subject;
  }
}

/** `wasi:cli/exit`: unwinds the guest, and ends nothing but the guest. */
export class GuestExit extends Error {
  override readonly name = 'GuestExit';
  readonly code: number;

  constructor(code: number) {
    super(`the guest ended itself with exit code ${code}`);
    this.code = code;
  }
}
