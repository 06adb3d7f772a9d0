/** What a guest may send, as its isolate holds it to that: by the call, and by the minute. */
import { Refusal } from '../capabilities/host.ts';
import { Outgoing, type Allowance } from './outgoing.ts';

/** What one call may send: the main thread takes messages only between calls, so they lie in its memory. */
const MAX_MESSAGES_PER_CALL = 256;
const MAX_BYTES_PER_CALL = 1024 * 1024;

export class Sending {
  readonly #allowance: Allowance;
  readonly #outgoing: Outgoing;
  readonly #report: (refusal: Refusal) => void;
  #messages = 0;
  #bytes = 0;

  constructor(allowance: Allowance, report: (refusal: Refusal) => void) {
    this.#allowance = allowance;
    this.#outgoing = new Outgoing(allowance);
    this.#report = report;
  }

  /** A call begins. */
  begin(): void {
    this.#messages = 0;
    this.#bytes = 0;
  }

  /** Books a message, or puts it on record and answers why not, in words for the guest. */
  publish(bytes: number, now: number): string | undefined {
    if (this.#messages === MAX_MESSAGES_PER_CALL) {
      this.#over('messages-limit', `${MAX_MESSAGES_PER_CALL} messages in one call`, 'messagesPerCall');
      return 'too many messages in one call; send the others later';
    }
    if (this.#bytes + bytes > MAX_BYTES_PER_CALL) {
      this.#over('bytes-limit', `${MAX_BYTES_PER_CALL} bytes in one call`, 'bytesPerCall');
      return 'too many bytes in one call; send the others later';
    }
    const over = this.spend(1, bytes, now);
    if (over !== undefined) return over;
    this.#messages += 1;
    this.#bytes += bytes;
    return undefined;
  }

  /** The same for what does not lie in the main thread's memory until the call ends. */
  spend(messages: number, bytes: number, now: number): string | undefined {
    const limit = this.#outgoing.admits(messages, bytes, now);
    if (limit !== undefined) {
      const isCount = limit === 'messagesPerMinute';
      const words = `${this.#allowance[limit]} ${isCount ? 'messages' : 'bytes'} in a minute`;
      this.#over(isCount ? 'messages-limit' : 'bytes-limit', words, limit);
      return `more than ${words}; send the others later`;
    }
    return undefined;
  }

  #over(kind: 'messages-limit' | 'bytes-limit', words: string, limit: string): void {
    this.#report(new Refusal(kind, `The guest would have sent more than ${words}.`, limit));
  }
}
