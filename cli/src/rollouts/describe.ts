/** Rollouts for people. */
import type { DeviceVerdict, RolloutPreview, RolloutView } from '@wafer/protocol';
import { fields, table } from '../table.ts';

const targetsOf = (targets: RolloutView['targets']): string =>
  targets.map(({ app, version, from }) => `${app} ${from ?? 'nothing'} → ${version}`).join(', ');

const causesOf = (causes: Readonly<Record<string, number | undefined>>): string =>
  Object.entries(causes)
    .map(([cause, count]) => `${count} ${cause}`)
    .join(', ');

/** The diff of capabilities; nothing where nothing changes. */
const capabilityFields = (targets: RolloutView['targets']): [string, string][] =>
  targets.flatMap(({ app, gains, loses }): [string, string][] => [
    ...gains.map((grant): [string, string] => ['gains', `+ ${app}: ${grant}`]),
    ...loses.map((grant): [string, string] => ['loses', `- ${app}: ${grant}`]),
  ]);

/** One line a wave. */
export const describeWaves = ({ waves }: RolloutView): string =>
  table(
    ['wave', 'state', 'devices', 'waiting', 'started', 'succeeded', 'failed', 'why'],
    waves.map(({ name, state, counts, reason }) => [
      name,
      state,
      ...[counts.devices, counts.waiting, counts.started, counts.succeeded, counts.failed].map(String),
      reason ?? causesOf(counts.causes),
    ]),
    'no waves',
  );

export function describeRollout(rollout: RolloutView): string {
  const { number, id, name, channel, state, reason, targets, createdBy } = rollout;
  const head = fields([
    ['rollout', `${number} (${id})`],
    ['name', name],
    ['channel', channel],
    ['releases', targetsOf(targets)],
    ...capabilityFields(targets),
    ['state', reason === null ? state : `${state}: ${reason}`],
    ['by', createdBy],
  ]);
  return `${head}\n\n${describeWaves(rollout)}`;
}

export const describeRollouts = (rollouts: readonly RolloutView[]): string =>
  table(
    ['number', 'name', 'channel', 'state', 'releases', 'devices'],
    rollouts.map(({ number, name, channel, state, targets, devices }) => [
      `${number}`,
      name,
      channel,
      state,
      targetsOf(targets),
      `${devices}`,
    ]),
    'there are no rollouts',
  );

const size = (bytes: number): string =>
  bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;

const duration = (minutes: number): string =>
  minutes < 90 ? `about ${Math.max(1, Math.round(minutes))} min` : `about ${(minutes / 60).toFixed(1)} h`;

export function describePreview(preview: RolloutPreview): string {
  const { devices, fingerprint, targets, waves, verdicts, bytes, minutes } = preview;
  const list = table(
    ['wave', 'devices', 'architectures', 'verdicts', 'to receive', 'takes', 'first'],
    waves.map((wave) => [
      wave.name,
      `${wave.devices}`,
      causesOf(wave.architectures),
      causesOf(wave.verdicts),
      size(wave.bytes),
      duration(wave.minutes),
      wave.first
        .slice(0, 2)
        .map(({ device }) => device)
        .join(' '),
    ]),
    'no waves',
  );
  const head = fields([
    ['devices', `${devices}`],
    ['releases', targetsOf(targets)],
    ...capabilityFields(targets),
    ['verdicts', causesOf(verdicts)],
    ['to receive', size(bytes)],
    ['takes', duration(minutes)],
    ['fingerprint', fingerprint],
  ]);
  return `${head}\n\n${list}`;
}

/** One line a device. */
export const describeVerdicts = (lines: readonly DeviceVerdict[]): string =>
  table(
    ['device', 'name', 'architecture', 'wave', 'verdict', 'detail'],
    lines.map(({ device, name, architecture, wave, verdict, detail }) => [
      device,
      name,
      architecture,
      wave === null ? '-' : `${wave + 1}`,
      verdict,
      detail ?? '',
    ]),
    'no devices',
  );
