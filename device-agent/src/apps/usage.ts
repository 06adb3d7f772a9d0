/** What an app has used up since it was last told, beside what only its running instance knows. */
import type { Usage } from '@wafer/protocol';

export class UsageBook {
  #busyMs = 0;
  #logBytes = 0;
  #messages = 0;
  #outgoingBytes = 0;
  #denied = 0;

  worked(ms: number): void {
    this.#busyMs += ms;
  }

  logged(bytes: number): void {
    this.#logBytes += bytes;
  }

  sent(messages: number, bytes: number): void {
    this.#messages += messages;
    this.#outgoingBytes += bytes;
  }

  denied(count: number): void {
    this.#denied += count;
  }

  /** Begins anew. */
  take(now: Pick<Usage, 'queued' | 'storeBytes'>): Usage {
    const usage = {
      busyMs: Number(this.#busyMs.toFixed(3)),
      queued: now.queued,
      logBytes: this.#logBytes,
      messages: this.#messages,
      outgoingBytes: this.#outgoingBytes,
      storeBytes: now.storeBytes,
      denied: this.#denied,
    };
    this.#busyMs = 0;
    this.#logBytes = 0;
    this.#messages = 0;
    this.#outgoingBytes = 0;
    this.#denied = 0;
    return usage;
  }
}
