/**
 * What a guest sends away, messages and requests alike, against its two budgets of a minute. It is kept
 * twice: in the isolate, where the guest has to be answered, and in the main thread, where it outlives the
 * instance; each new instance begins with what its app has spent.
 */
import type { Limits } from '@wafer/protocol';
import { MinuteBudget } from './minute-budget.ts';

type OutgoingLimits = Pick<Limits, 'messagesPerMinute' | 'outgoingBytesPerMinute'>;

/** What an isolate is told at the creation of an instance. */
export interface Allowance extends OutgoingLimits {
  readonly spentMessages: readonly number[];
  readonly spentBytes: readonly number[];
}

/** The limit that would be broken, by its name. */
type Over = keyof OutgoingLimits;

export class Outgoing {
  readonly #messages: MinuteBudget;
  readonly #bytes: MinuteBudget;

  constructor(allowance?: Allowance) {
    this.#messages = new MinuteBudget(allowance?.messagesPerMinute, allowance?.spentMessages);
    this.#bytes = new MinuteBudget(allowance?.outgoingBytesPerMinute, allowance?.spentBytes);
  }

  /** Books both or neither. `now` in ms of any steady clock. */
  admits(messages: number, bytes: number, now: number): Over | undefined {
    if (!this.#messages.fits(messages, now)) return 'messagesPerMinute';
    if (!this.#bytes.fits(bytes, now)) return 'outgoingBytesPerMinute';
    this.book(messages, bytes, now);
    return undefined;
  }

  /** Books what was admitted elsewhere. */
  book(messages: number, bytes: number, now: number): void {
    this.#messages.spend(messages, now);
    this.#bytes.spend(bytes, now);
  }

  allowance({ messagesPerMinute, outgoingBytesPerMinute }: OutgoingLimits, now: number): Allowance {
    return {
      messagesPerMinute,
      outgoingBytesPerMinute,
      spentMessages: this.#messages.spent(now),
      spentBytes: this.#bytes.spent(now),
    };
  }
}
