/** Parts of rollouts in words. Pure. */
import type { Gate, RolloutView, Window } from '@wafer/protocol';
import { printable } from '../table.ts';
import type { Paint } from '../terminal.ts';

type Targets = RolloutView['targets'];

export const targetsOf = (targets: Targets): string =>
  targets.map(({ app, version, from }) => `${app} ${from ?? 'nothing'} → ${version}`).join(', ');

/** `3 trap, 1 link` */
export const countsOf = (counts: Readonly<Record<string, number | undefined>>): string =>
  Object.entries(counts)
    .map(([word, count]) => `${count} ${word}`)
    .join(', ');

/**
 * What releases may do more and less than those before; empty where nothing changes. `isAsked`: nobody has
 * let it begin yet.
 */
export function capabilityDiff(targets: Targets, isAsked: boolean, paint: Paint): string {
  const lines = targets.flatMap(({ app, gains, loses }) => [
    ...gains.map((grant) => paint('good', printable(`+ ${app}: ${grant}`))),
    ...loses.map((grant) => paint('bad', printable(`- ${app}: ${grant}`))),
  ]);
  if (lines.length === 0) return '';
  const isWider = isAsked && targets.some(({ gains }) => gains.length > 0);
  const advice = isWider ? ', and what is more needs the approval of another person' : '';
  return [`What may be done changes${advice}:`, ...lines.map((line) => `  ${line}`)].join('\n');
}

const ON_TRIP = { pause: 'it stops', abort: 'it is aborted', rollback: 'it is rolled back' } as const;

/** What a wave must show. */
export function gateInWords(gate: Gate): string {
  const rules = gate.faults.flatMap(({ kind, count, percent }) => [
    ...(count === undefined ? [] : [`${count} ${kind}`]),
    ...(percent === undefined ? [] : [`over ${percent} % ${kind}`]),
  ]);
  const stops = [
    ...(gate.errorCount === undefined ? [] : [`${gate.errorCount} failures`]),
    ...(gate.errorPercent === undefined ? [] : [`over ${gate.errorPercent} % failures`]),
    ...rules,
  ];
  return [
    `${gate.successPercent} % must succeed`,
    ...(stops.length === 0 ? [] : [`${stops.join(' or ')}: ${ON_TRIP[gate.onTrip]}`]),
    ...(gate.soakMinutes === 0 ? [] : [`soak ${gate.soakMinutes} min`]),
    ...(gate.compare === undefined ? [] : ['health compared']),
    ...(gate.approval ? ['approval'] : []),
  ].join('; ');
}

const hours = (minutes: number): string => (minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`);

export const windowInWords = ({ cron, minutes, timeZone }: Window): string =>
  `"${cron}" for ${hours(minutes)}, ${timeZone ?? 'in each device’s time zone'}`;

export const size = (bytes: number): string =>
  bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;

export const duration = (minutes: number): string =>
  minutes < 90 ? `about ${Math.max(1, Math.round(minutes))} min` : `about ${(minutes / 60).toFixed(1)} h`;
