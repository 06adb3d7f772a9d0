/** A draft as people see it before anything is stored. */
import {
  WaferError,
  type CreateRollout,
  type DeviceVerdict,
  type DeviceVerdictQuery,
  type RolloutPreview,
} from '@wafer/protocol';
import type { z } from 'zod';
import type { Deps } from '../../deps.ts';
import { estimateOf, minutesOf, type VerdictCounts } from '../plan/estimate.ts';
import { draft, inOrder, nameOfWave, targetView, type Draft, type DraftDevice } from './draft.ts';
import { readUpdateSeconds } from './facts.ts';

const SHOWN = 20;

type Parts = Pick<Deps, 'db' | 'clock'>;

/** Counts of a word, over many devices. */
function countBy<Word extends string>(
  devices: readonly DraftDevice[],
  wordOf: (each: DraftDevice) => Word,
): Partial<Record<Word, number>> {
  const counts: Partial<Record<Word, number>> = {};
  for (const each of devices) {
    const word = wordOf(each);
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}

const verdictsOf = (devices: readonly DraftDevice[]): VerdictCounts =>
  countBy(devices, ({ found }) => found.verdict);

const bytesOf = (devices: readonly DraftDevice[]): number =>
  devices.reduce((sum, { found }) => sum + found.bytes, 0);

const lineOf = (
  { device, found }: DraftDevice,
  place: { wave: number; position: number } | undefined,
): DeviceVerdict => ({
  device: device.id,
  name: device.name,
  architecture: device.architecture,
  wave: place?.wave ?? null,
  position: place?.position ?? null,
  ...found,
});

/** Throws as `draft` does. */
export async function previewRollout(deps: Parts, spec: CreateRollout): Promise<RolloutPreview> {
  const made = await draft(deps, spec);
  const updateSeconds = await readUpdateSeconds(deps.db, made.targets);
  const all = inOrder(made);
  let from = 0;
  const waves = spec.waves.map((wave, number) => {
    const before = from;
    from += made.assignment.sizes[number] ?? 0;
    const devices = all.slice(before, from);
    const verdicts = verdictsOf(devices);
    return {
      name: nameOfWave(wave),
      devices: devices.length,
      architectures: countBy<string>(devices, ({ device }) => device.architecture) as Record<string, number>,
      verdicts,
      bytes: bytesOf(devices),
      minutes: minutesOf(verdicts, estimateOf(spec, wave.gate.soakMinutes, updateSeconds)),
      first: devices
        .slice(0, SHOWN)
        .map((each, index) => lineOf(each, { wave: number, position: before + index + 1 })),
    };
  });
  return {
    devices: all.length,
    fingerprint: made.fingerprint,
    targets: made.targets.map(targetView),
    waves,
    verdicts: verdictsOf([...all, ...made.others]),
    bytes: bytesOf(all),
    minutes: waves.reduce((sum, { minutes }) => sum + minutes, 0),
  };
}

/** Every device with its verdict, members in their order and then the others. */
function* linesOf(made: Draft): Generator<DeviceVerdict> {
  const { order, wave } = made.assignment;
  for (const [index, member] of order.entries()) {
    const each = made.members[member];
    if (each !== undefined) yield lineOf(each, { wave: wave[member] ?? 0, position: index + 1 });
  }
  for (const each of made.others) yield lineOf(each, undefined);
}

/** One page, worked out anew; `cursor` is the number of lines before it. Throws as `draft` does. */
export async function previewDevices(
  deps: Parts,
  spec: CreateRollout,
  { cursor, limit, verdict }: z.infer<typeof DeviceVerdictQuery>,
): Promise<{ items: DeviceVerdict[]; next?: string }> {
  const skip = cursor === undefined ? 0 : Number(cursor);
  if (!Number.isSafeInteger(skip) || skip < 0)
    throw new WaferError('request.invalid', 'querystring/cursor: not one of this list.');
  const lines = [...linesOf(await draft(deps, spec))];
  const fitting = verdict === undefined ? lines : lines.filter((line) => line.verdict === verdict);
  const items = fitting.slice(skip, skip + limit);
  return skip + limit < fitting.length ? { items, next: `${skip + limit}` } : { items };
}
