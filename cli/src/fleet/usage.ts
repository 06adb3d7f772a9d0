/** What a device's apps use, what they were denied, and what they do not need. Pure: text for people. */
import type { AppHealth, DeviceApp, DeviceDetail } from '@wafer/protocol';
import { fields } from '../table.ts';

type Field = readonly [name: string, value: string];

/** A block for each app that reported; empty when none did. */
export function describeUsage({ apps, latest }: DeviceDetail, nowMs: number): string {
  return (latest?.apps ?? [])
    .map((health) => {
      const desired = apps.find(({ app }) => app === health.app)?.desired ?? null;
      return fields([
        ['app', health.app],
        ['memory', outOf(amount(health.memoryBytes), desired && `${desired.limits.memoryMiB} MiB`)],
        ...usageFields(health, desired),
        ...warningFields(health, nowMs),
      ]);
    })
    .join('\n\n');
}

function usageFields({ usage }: AppHealth, desired: DeviceApp['desired']): Field[] {
  if (usage === undefined) return [];
  const limits = desired?.limits;
  const stores = desired?.grants.keyvalue ?? [];
  const quota = stores.reduce((sum, { maxBytes }) => sum + maxBytes, 0);
  const minutely = (used: string, limit: string | undefined): string =>
    limit === undefined ? used : `${used} (${limit} a minute)`;
  return [
    ...(quota === 0 ? [] : ([['stores', outOf(amount(usage.storeBytes), amount(quota))]] as const)),
    ['busy', `${Math.round(usage.busyMs)} ms since the report before, as all that follows`],
    ['waiting', `at most ${outOf(`${usage.queued}`, limits && `${limits.queueLength}`)}`],
    ['messages', minutely(`${usage.messages}`, limits && `${limits.messagesPerMinute}`)],
    ['sent', minutely(amount(usage.outgoingBytes), limits && amount(limits.outgoingBytesPerMinute))],
    ['logged', minutely(amount(usage.logBytes), limits && amount(limits.logBytesPerMinute))],
    ['denied', usage.denied === 1 ? '1 use' : `${usage.denied} uses`],
  ];
}

function warningFields({ crashLoop, unusedGrants = [] }: AppHealth, nowMs: number): Field[] {
  const lines: Field[] = [];
  if (crashLoop !== undefined) {
    const seconds = Math.max(0, Math.ceil((Date.parse(crashLoop.nextTryAt) - nowMs) / 1000));
    lines.push(['crash loop', `failed ${crashLoop.failures} times in a row; next try in ${seconds} s`]);
  }
  if (unusedGrants.length > 0) {
    lines.push(['unused', `${unusedGrants.join(', ')} (for long; consider narrowing)`]);
  }
  return lines;
}

const outOf = (used: string, limit: string | null | undefined): string =>
  limit === null || limit === undefined ? used : `${used} of ${limit}`;

/** `512 B`, `2 KiB`, `1.5 MiB`. */
function amount(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [value, unit] = bytes < 1024 * 1024 ? [bytes / 1024, 'KiB'] : [bytes / 1024 / 1024, 'MiB'];
  return `${Number(value.toFixed(1))} ${unit}`;
}
