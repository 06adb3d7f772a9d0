/**
 * Health reports as chart points. A gap in time stays a gap: where reports are missing, or a figure
 * was not measured, the point is null and the line breaks.
 */
import type { HealthReport } from '@wafer/protocol/messages';

export interface Point {
  /** ms since 1970. */
  readonly at: number;
  readonly [series: string]: number | null;
}

/** A pause of this many usual intervals is a gap. */
const GAP_FACTOR = 3;
const SHORTEST_GAP_MS = 35_000;

/** Median distance of neighbouring instants, ms; 0 when there are fewer than two. */
function usualInterval(instants: readonly number[]): number {
  const steps = instants.slice(1).map((at, index) => at - (instants[index] ?? at));
  return steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
}

type Read = (report: HealthReport, previous: HealthReport | undefined) => Record<string, number | null>;

/** Oldest first in, oldest first out; `previous` is undefined at the start and after every gap. */
export function points(reports: readonly HealthReport[], read: Read): Point[] {
  const instants = reports.map(({ at }) => Date.parse(at));
  const gapMs = Math.max(SHORTEST_GAP_MS, GAP_FACTOR * usualInterval(instants));
  const result: Point[] = [];
  for (const [index, report] of reports.entries()) {
    const at = instants[index] ?? 0;
    const before = instants[index - 1];
    const isGap = before !== undefined && at - before > gapMs;
    const values = read(report, isGap ? undefined : reports[index - 1]);
    if (isGap) {
      const blank = Object.fromEntries(Object.keys(values).map((name) => [name, null]));
      result.push({ ...blank, at: (before + at) / 2 });
    }
    result.push({ ...values, at });
  }
  return result;
}

const appOf = (report: HealthReport | undefined, app: string) =>
  report?.apps.find((each) => each.app === app);

/** Per second since the previous report; null when the counter began anew or nothing came before. */
function rate(
  report: HealthReport,
  previous: HealthReport | undefined,
  app: string,
  counter: 'calls' | 'faults',
): number | null {
  const now = appOf(report, app)?.[counter];
  const then = appOf(previous, app)?.[counter];
  if (previous === undefined || now === undefined || then === undefined) return null;
  // uptime of the agent's counters: both begin again with a restart
  const seconds = (Date.parse(report.at) - Date.parse(previous.at)) / 1000;
  return now < then || seconds <= 0 ? null : (now - then) / seconds;
}

export const processor: Read = ({ cpu }) => ({ cpu });
export const memory: Read = ({ memory: { usedBytes } }) => ({ used: usedBytes });
export const disk: Read = ({ disk: { usedBytes } }) => ({ used: usedBytes });
export const temperature: Read = ({ temperatureC }) => ({ temperature: temperatureC ?? null });
export const agentMemory: Read = ({ agentBytes }) => ({ agent: agentBytes });

export const latency =
  (app: string): Read =>
  (report) => {
    const found = appOf(report, app)?.latencyMs;
    return { p50: found?.p50 ?? null, p99: found?.p99 ?? null };
  };

export const callRate =
  (app: string): Read =>
  (report, previous) => ({
    calls: rate(report, previous, app, 'calls'),
    faults: rate(report, previous, app, 'faults'),
  });

/** A value that has none beside it would be no line at all; it is drawn as a dot. */
export const isAlone = (list: readonly Point[], index: number, name: string): boolean =>
  (list[index]?.[name] ?? null) !== null &&
  (list[index - 1]?.[name] ?? null) === null &&
  (list[index + 1]?.[name] ?? null) === null;

const SHORTEST_RANGE_MS = 2 * 60_000;

/** What the time axis spans: the range asked for, but not the time before the device existed. */
export function chartRange(toMs: number, minutes: number, enrolledMs: number): [number, number] {
  const asked = toMs - minutes * 60_000;
  return [Math.min(Math.max(asked, enrolledMs), toMs - SHORTEST_RANGE_MS), toMs];
}

/** Round local times in the range, two to five of them. */
export function timeTicks(fromMs: number, toMs: number): number[] {
  const MINUTE = 60_000;
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720].map((minutes) => minutes * MINUTE);
  const step = steps.find((each) => (toMs - fromMs) / each <= 4) ?? 1440 * MINUTE;
  const zone = new Date(fromMs).getTimezoneOffset() * MINUTE;
  const first = Math.ceil((fromMs - zone) / step) * step + zone;
  const ticks: number[] = [];
  for (let at = first; at <= toMs; at += step) ticks.push(at);
  return ticks;
}
