/**
 * What an app uses beside what it may. Limits are by the minute, reports come in whatever rhythm the board's
 * owner set; so a minute is summed of the reports that cover it, or scaled down from one that covers more.
 */
import type { DeviceApp } from '@wafer/protocol/api';
import type { AppHealth, HealthReport, Usage } from '@wafer/protocol/messages';
import { bytes, counted, grouped, percent } from '../format/quantity.ts';

const MINUTE_MS = 60_000;

/** Sums of a minute; `queued` is the most at a time, `storeBytes` what is held at its end. */
export type MinuteUsage = Omit<Usage, 'denied'>;

type Reported = HealthReport & { readonly usage: Usage };

function reported(reports: readonly HealthReport[], app: string): Reported[] {
  return reports.flatMap((report) => {
    const usage = report.apps.find((each) => each.app === app)?.usage;
    return usage === undefined ? [] : [{ ...report, usage }];
  });
}

/** Oldest report first; undefined when the app's usage was never reported. */
export function lastMinute(reports: readonly HealthReport[], app: string): MinuteUsage | undefined {
  const known = reported(reports, app);
  const last = known.at(-1);
  if (last === undefined) return undefined;
  const endMs = Date.parse(last.at);
  const first = known.findIndex(({ at }) => Date.parse(at) > endMs - MINUTE_MS);
  const window = known.slice(first).map(({ usage }) => usage);
  const before = known[first - 1];
  const coveredMs = before === undefined ? MINUTE_MS : endMs - Date.parse(before.at);
  const scale = Math.min(1, MINUTE_MS / coveredMs);
  const sum = (read: (usage: Usage) => number): number =>
    window.reduce((total, usage) => total + read(usage), 0) * scale;
  return {
    busyMs: sum(({ busyMs }) => busyMs),
    queued: Math.max(...window.map(({ queued }) => queued)),
    logBytes: Math.round(sum(({ logBytes }) => logBytes)),
    messages: Math.round(sum(({ messages }) => messages)),
    outgoingBytes: Math.round(sum(({ outgoingBytes }) => outgoingBytes)),
    storeBytes: last.usage.storeBytes,
  };
}

/** Denied uses in all these reports. */
export const denials = (reports: readonly HealthReport[], app: string): number =>
  reported(reports, app).reduce((sum, { usage }) => sum + usage.denied, 0);

export interface UsageRow {
  readonly name: string;
  readonly text: string;
  /** Of the limit, 0 to 1; null where there is none to compare with. */
  readonly share: number | null;
}

function row(
  name: string,
  used: number,
  limit: number | undefined,
  words: (amount: number) => string,
  per = '',
) {
  const bound = limit === undefined ? '' : ` of ${words(limit)}`;
  return { name, text: `${words(used)}${bound}${per}`, share: limit ? Math.min(1, used / limit) : null };
}

export function usageRows(
  health: AppHealth,
  minute: MinuteUsage | undefined,
  desired: DeviceApp['desired'],
): UsageRow[] {
  const limits = desired?.limits;
  const mebibytes = limits && limits.memoryMiB * 1024 * 1024;
  const memory = row('Memory', health.memoryBytes, mebibytes, bytes);
  if (minute === undefined) return [memory];
  const stores = desired?.grants.keyvalue ?? [];
  const quota = stores.reduce((sum, { maxBytes }) => sum + maxBytes, 0);
  const busy = minute.busyMs / MINUTE_MS;
  return [
    memory,
    ...(stores.length > 0 ? [row('Stores', minute.storeBytes, quota, bytes)] : []),
    { name: 'Busy', text: `${percent(busy)} of one core`, share: null },
    row('Waiting', minute.queued, limits?.queueLength, grouped, ' calls at most'),
    row('Messages', minute.messages, limits?.messagesPerMinute, grouped, ' a minute'),
    row('Sent', minute.outgoingBytes, limits?.outgoingBytesPerMinute, bytes, ' a minute'),
    row('Logged', minute.logBytes, limits?.logBytesPerMinute, bytes, ' a minute'),
  ];
}

export const denialText = (count: number, minutes: number): string =>
  count === 0 ? `none in ${minutes} min` : `${counted(count, 'use')} in ${minutes} min`;
