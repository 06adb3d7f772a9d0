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
  /**
   * Hands on a message whose topic was checked, within what the guest may send. Answers why not, in words
   * for the guest; what was over its limits is on record then.
   */
  publish(topic: string, payload: Uint8Array): string | undefined;
  /**
   * Books what leaves the guest by another way than `publish`: so many messages or requests, so many bytes
   * of payload. False when it may not be sent; that is on record then.
   */
  spend(messages: number, bytes: number): boolean;
  /** Notes that a grant was of use, by its name (`grantName`); cheap enough for every call. */
  used(grant: string): void;
  /** Puts a use that no grant covers, or that a limit refused, on record; the guest's call goes on. */
  report(refusal: Refusal): void;
  /** Ends the guest's call with the refusal, and puts it on record. */
  fail(refusal: Refusal): never;
}

const withIntegers = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value;

/** The `err` case of a WIT `result`; the generated bindings take the value from `payload`. */
export class WitError<T> extends Error {
  override readonly name = 'WitError';
  /** The latest of this isolate, which runs one call at a time: what a guest let go by is told by it. */
  static latest: WitError<unknown> | undefined;
  readonly payload: T;
  /** What the WIT has no place for, and people want to know: the system's own words. */
  readonly detail: string | undefined;

  constructor(payload: T, detail?: string) {
    super(typeof payload === 'string' ? payload : JSON.stringify(payload, withIntegers));
    this.payload = payload;
    this.detail = detail;
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
