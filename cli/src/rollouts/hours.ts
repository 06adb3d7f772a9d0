/** When devices may be started, as it is typed. */
import { type Blackout, WaferError, type Window } from '@wafer/protocol';
import { windowsProblem } from '@wafer/protocol/window';
import { parseDuration } from '../typed.ts';

export const WINDOW_FORMS = '02:00-06:00, "sat,sun 22:00-04:00@Europe/Berlin" or "0 2 * * *+4h"';

const DAILY =
  /^(?:(?<days>[a-z]{3}(?:[,-][a-z]{3})*)[ /])?(?<hour>\d{1,2}):(?<minute>\d\d)-(?<endHour>\d{1,2}):(?<endMinute>\d\d)$/i;
const EXPRESSION = /^(?<cron>.+)\+(?<length>\d{1,9}[smhd])$/;

const MINUTES_OF_DAY = 1440;

/** From one time of day to another; over midnight when the second is the earlier one. */
function parseDaily(typed: string): Omit<Window, 'timeZone'> | undefined {
  const found = DAILY.exec(typed)?.groups;
  if (found === undefined) return undefined;
  const minuteOf = (hour: string | undefined, minute: string | undefined) =>
    Number(hour) * 60 + Number(minute);
  const [from, to] = [
    minuteOf(found['hour'], found['minute']),
    minuteOf(found['endHour'], found['endMinute']),
  ];
  if (from >= MINUTES_OF_DAY || to > MINUTES_OF_DAY || from === to) return undefined;
  const days = found['days']?.toUpperCase() ?? '*';
  return {
    cron: `${from % 60} ${Math.floor(from / 60)} * * ${days}`,
    minutes: to > from ? to - from : to + MINUTES_OF_DAY - from,
  };
}

function parseExpression(typed: string): Omit<Window, 'timeZone'> | undefined {
  const { cron, length } = EXPRESSION.exec(typed)?.groups ?? {};
  if (cron === undefined || length === undefined) return undefined;
  const minutes = parseDuration(length) / 60;
  return Number.isInteger(minutes) ? { cron: cron.trim(), minutes } : undefined;
}

/** `02:00-06:00`, with days before and a time zone behind, or a cron expression and a length. Throws cli.usage. */
export function parseWindow(typed: string): Window {
  const { rest = '', zone } = /^(?<rest>.+?)(?:@(?<zone>[A-Za-z][\w/+-]*))?$/.exec(typed)?.groups ?? {};
  const parsed = parseDaily(rest) ?? parseExpression(rest);
  if (parsed === undefined)
    throw new WaferError('cli.usage', `"${typed}" is no window: write ${WINDOW_FORMS}`);
  const window = zone === undefined ? parsed : { ...parsed, timeZone: zone };
  const problem = windowsProblem([window]);
  if (problem !== undefined)
    throw new WaferError('cli.usage', `--window "${typed}": ${problem.replace(/^0\//, '')}`);
  return window;
}

/** `2026-12-24..2026-12-26`, or one day; the schema sees to it that they are days. */
export function parseBlackout(typed: string): Blackout {
  const [from = '', to = from] = typed.split('..');
  return { from, to };
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** An instant with its offset, or a duration from now: `2026-12-24T02:00Z`, `+3h`. Throws cli.usage. */
export function parseInstant(option: string, typed: string, nowMs: number): string {
  const at = typed.startsWith('+')
    ? nowMs + parseDuration(typed.slice(1)) * 1000
    : INSTANT.test(typed)
      ? Date.parse(typed)
      : NaN;
  if (!Number.isNaN(at)) return new Date(at).toISOString();
  throw new WaferError(
    'cli.usage',
    `--${option}: "${typed}" is no instant: write 2026-12-24T02:00Z, 2026-12-24T02:00+01:00 or +3h`,
  );
}
