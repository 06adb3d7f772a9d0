/** Time as an argument, so that tests own it and a board without a clock can be helped. */
export interface Clock {
  /** Wall clock, ms since 1970. */
  now(): number;
}
export const systemClock: Clock = { now: () => Date.now() };
export const isoNow = (clock: Clock): string => new Date(clock.now()).toISOString();
