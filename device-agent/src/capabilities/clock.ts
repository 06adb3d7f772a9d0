/** wasi:clocks — both clocks of the board, for guests with the grant `clock`. */
import { Pollable } from './io.ts';

const NANOSECONDS_PER_MS = 1e6;

const dueAt = (instant: bigint): Pollable => new Pollable(Number(instant) / NANOSECONDS_PER_MS);

export const clock = {
  'wasi:clocks/monotonic-clock': {
    now: () => process.hrtime.bigint(),
    resolution: () => 1n,
    subscribeInstant: dueAt,
    subscribeDuration: (duration: bigint) => dueAt(process.hrtime.bigint() + duration),
  },
  'wasi:clocks/wall-clock': {
    now: () => {
      const ms = Date.now();
      return {
        seconds: BigInt(Math.floor(ms / 1000)),
        nanoseconds: (ms % 1000) * NANOSECONDS_PER_MS,
      };
    },
    resolution: () => ({ seconds: 0n, nanoseconds: NANOSECONDS_PER_MS }),
  },
};
