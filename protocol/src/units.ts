/** Durations that say their unit. All are milliseconds underneath, as timers want them. */
export type Milliseconds = number & { readonly __unit: 'ms' };
export const Milliseconds = (count: number): Milliseconds => count as Milliseconds;
export const Seconds = (count: number): Milliseconds => Milliseconds(count * 1000);
export const Minutes = (count: number): Milliseconds => Seconds(count * 60);
export const Hours = (count: number): Milliseconds => Minutes(count * 60);
export const Days = (count: number): Milliseconds => Hours(count * 24);
