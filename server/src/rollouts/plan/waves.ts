/**
 * Who is in which wave. Pure, and made once for each rollout: the preview shows what this gives, and
 * what this gives is stored.
 *
 * A million devices come as columns and leave as columns of numbers: no object a device, one sort of
 * numbers, one pass a wave.
 */
import type { Wave } from '@wafer/protocol';
import { PLACES, placeOf } from './place.ts';

/** One entry a device in every column. */
export interface DeviceColumns {
  /** In ascending order, so that two devices at one place always stand in the same order. */
  readonly ids: readonly string[];
  readonly architectures: readonly string[];
  /** Of each group that a wave names: 1 for a device that is in it. */
  readonly groups: ReadonlyMap<string, Uint8Array>;
  readonly tags: readonly Readonly<Record<string, string>>[];
}

export interface Assignment {
  /** Index of the device → index of its wave. */
  readonly wave: Uint16Array;
  /** Indexes of devices, by wave and in it by place: the order in which they are started. */
  readonly order: Uint32Array;
  /** Devices of each wave. */
  readonly sizes: Uint32Array;
}

const NOBODY = 0xffff;
/** Places and indexes share the 53 bits of a double while they are sorted. */
const MOST = 2 ** 23;

/** Indexes of devices by place. */
function byPlace(ids: readonly string[], seed: string): Uint32Array {
  if (ids.length > MOST) throw new RangeError(`a rollout holds at most ${MOST} devices, not ${ids.length}`);
  const keys = new Float64Array(ids.length);
  for (let index = 0; index < ids.length; index += 1)
    keys[index] = placeOf(ids[index] ?? '', seed) * MOST + index;
  keys.sort();
  // `Uint32Array.from` would first make a list of a million numbers.
  const order = new Uint32Array(keys.length);
  for (let index = 0; index < keys.length; index += 1) order[index] = (keys[index] ?? 0) % MOST;
  return order;
}

/** Whether the next device by place is taken; asked in that order, of those that no earlier wave took. */
function chooser(
  { devices: rule }: Wave,
  columns: DeviceColumns,
  { seed, taken }: { seed: string; taken: number },
): (index: number) => boolean {
  switch (rule.of) {
    case 'rest':
      return () => true;
    case 'percent': {
      let left = Math.ceil((columns.ids.length * rule.percent) / 100) - taken;
      return () => (left -= 1) >= 0;
    }
    case 'count': {
      let left = rule.count;
      return () => (left -= 1) >= 0;
    }
    case 'architecture': {
      const left = new Map<string, number>();
      return (index) => {
        const architecture = columns.architectures[index] ?? '';
        const open = left.get(architecture) ?? rule.each;
        left.set(architecture, open - 1);
        return open > 0;
      };
    }
    case 'hash': {
      const below = (rule.below / 10_000) * PLACES;
      return (index) => placeOf(columns.ids[index] ?? '', seed) < below;
    }
    case 'group': {
      const members = columns.groups.get(rule.group);
      return (index) => members?.[index] === 1;
    }
    case 'tag':
      return (index) => columns.tags[index]?.[rule.key] === rule.value;
  }
}

/** Every device is in exactly one wave, as the last one takes the rest (CreateRollout sees to that). */
export function assignWaves(waves: readonly Wave[], columns: DeviceColumns, seed: string): Assignment {
  const places = byPlace(columns.ids, seed);
  const wave = new Uint16Array(places.length).fill(NOBODY);
  const order = new Uint32Array(places.length);
  const sizes = new Uint32Array(waves.length);
  let taken = 0;
  for (const [number, each] of waves.entries()) {
    const takes = chooser(each, columns, { seed, taken });
    const before = taken;
    for (const index of places) {
      if (wave[index] !== NOBODY || !takes(index)) continue;
      wave[index] = number;
      order[taken] = index;
      taken += 1;
    }
    sizes[number] = taken - before;
  }
  if (taken !== places.length) throw new Error(`${places.length - taken} devices are in no wave`);
  return { wave, order, sizes };
}
