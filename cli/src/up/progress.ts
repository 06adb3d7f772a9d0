/** Progress of a start, one line a step, with the time that it took. */

import type { Writable } from 'node:stream';

export interface Progress {
  step(text: string): void;
  /** The last step is done. */
  done(): void;
}

/** On a terminal a step is shown while it runs; elsewhere only once it is done. */
export function progressOn(
  stream: Writable & { readonly isTTY?: boolean },
  now: () => number = Date.now,
): Progress {
  let current: { text: string; since: number } | undefined;
  const finish = (): void => {
    if (current === undefined) return;
    const seconds = ((now() - current.since) / 1000).toFixed(1);
    if (stream.isTTY) stream.write('\r\u001b[K');
    stream.write(`✔ ${current.text} (${seconds} s)\n`);
    current = undefined;
  };
  return {
    step(text) {
      finish();
      current = { text, since: now() };
      if (stream.isTTY) stream.write(`… ${text}`);
    },
    done: finish,
  };
}
