/** What people type behind options: numbers, lists, `name=value`, durations. */
import { WaferError } from '@wafer/protocol';

/** Throws cli.usage unless it is digits alone. */
export function parseWhole(option: string, typed: string): number {
  if (/^\d{1,8}$/.test(typed)) return Number(typed);
  throw new WaferError('cli.usage', `--${option} takes a whole number, not "${typed}"`);
}

export const parseList = (typed: string): string[] =>
  typed
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');

/** `name=value`; the value may hold more of `=`. Throws cli.usage. */
export function parsePair(option: string, typed: string): [name: string, value: string] {
  const at = typed.indexOf('=');
  if (at > 0) return [typed.slice(0, at), typed.slice(at + 1)];
  throw new WaferError('cli.usage', `${option}: "${typed}" is not of the form NAME=VALUE`);
}

/** `5` is so many, `5%` a share. Throws cli.usage. */
export function parseAmount(option: string, typed: string): { count: number } | { percent: number } {
  const share = /^(\d{1,3})%$/.exec(typed)?.[1];
  return share === undefined ? { count: parseWhole(option, typed) } : { percent: Number(share) };
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `30m`, `12h`, `1d` → seconds. Throws cli.usage. */
export function parseDuration(text: string): number {
  const found = /^(?<count>\d{1,9})(?<unit>[smhd])$/.exec(text)?.groups;
  const seconds = Number(found?.['count']) * (UNIT_SECONDS[found?.['unit'] ?? ''] ?? NaN);
  if (Number.isInteger(seconds) && seconds > 0) return seconds;
  throw new WaferError('cli.usage', `"${text}" is no duration: write 90s, 30m, 12h or 1d`);
}

/** Of an option that may be repeated. */
export const collect = (value: string, earlier: readonly string[]): string[] => [...earlier, value];
