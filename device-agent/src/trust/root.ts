/** The start of all trust: a TUF root that is signed by a threshold of its own keys (TUF 1.0, 5.2). */
import { WaferError } from '@wafer/protocol';
import { TrustedMetadataStore } from 'tuf-js/dist/store.js';
import { reason } from '../log.ts';
import { refuseTwins } from './twins.ts';

/** Throws `trust.signature-invalid` unless `text` is such a root. */
export function checkRoot(text: string): void {
  try {
    const bytes = Buffer.from(text, 'utf8');
    refuseTwins(bytes);
    void new TrustedMetadataStore(bytes).root;
  } catch (error) {
    throw new WaferError('trust.signature-invalid', `the trusted root is not valid: ${reason(error)}`);
  }
}

/**
 * tuf-js reads the clock once, into a private field, and has no option for it. Expiry must be judged
 * by the agent's own clock (link/clock.ts), so that field is set; if a later version of tuf-js
 * moves it, this throws rather than trust the system's clock.
 */
export function freezeTime(store: unknown, at: number): void {
  const known = store as { referenceTime?: unknown } | undefined;
  if (!(known?.referenceTime instanceof Date)) throw new TypeError('tuf-js keeps its time elsewhere now');
  known.referenceTime = new Date(at);
}
