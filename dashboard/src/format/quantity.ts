/** Amounts with their unit. */
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Binary units, three figures: `512 B`, `1.04 MiB`, `7.6 GiB`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${UNITS[unit]}`;
}

/** A share of 0 to 1 as `12 %`. */
export const percent = (share: number): string =>
  `${share > 0 && share < 0.1 ? (share * 100).toFixed(1) : Math.round(share * 100)} %`;

export const grouped = (count: number): string => count.toLocaleString('en');

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${grouped(count)} ${count === 1 ? one : many}`;

/** Calls per second: `3.2/s`. */
export const perSecond = (rate: number): string => `${Number(rate.toFixed(rate < 10 ? 2 : 0))}/s`;

/** Enough of a digest or key id to tell it from others. */
export const shortHex = (hex: string): string => hex.slice(0, 12);
