/** The watch over memory, as the agent has it: who is to go is noted, and goes by a step like any other. */
import { performance } from 'node:perf_hooks';
import type { Board } from '../state/board.ts';
import { Pressure } from './pressure.ts';
import type { Profile } from './profile.ts';
import type { MemorySensor } from './sensor.ts';

export interface WatchOptions {
  readonly board: Board;
  readonly sensor: MemorySensor;
  readonly profile: Profile;
  /** What the plan goes by has changed. */
  readonly wake: () => void;
  /** A steady clock, ms. */
  readonly now?: () => number;
}

export function watchMemory({
  board,
  sensor,
  profile,
  wake,
  now = () => performance.now(),
}: WatchOptions): Pressure {
  return new Pressure({
    sensor,
    reserveBytes: profile.reserveBytes,
    endTranspiler: () => board.runtime.endTranspiler(),
    guests: () => board.runtime.memory(),
    relieve: (app, fault) => {
      board.log('warn', 'the board runs short of memory', { app, fault });
      board.senses.of(app).relief = fault;
      wake();
    },
    freed: wake,
    now,
  });
}
