/**
 * A rollout as it is being filled in, and what it orders. Amounts may be empty while somebody types; what is
 * left empty is left out, so that the API's own default counts, and the API's schema says what is missing.
 */
import type { FaultKind } from '@wafer/protocol/faults';
import { CreateRollout, Timeouts, type Gate, type Skippable, type WaveOf } from '@wafer/protocol/rollouts';
import type { z } from 'zod';

export type Amount = number | undefined;

export interface TargetDraft {
  readonly app: string;
  readonly version: string;
}

export interface RuleDraft {
  readonly kind: FaultKind;
  readonly count: Amount;
  readonly percent: Amount;
}

export interface GateDraft {
  readonly successPercent: Amount;
  readonly errorPercent: Amount;
  readonly errorCount: Amount;
  readonly faults: readonly RuleDraft[];
  readonly minDevices: Amount;
  readonly soakMinutes: Amount;
  readonly unhealthyPercent: Amount;
  readonly compares: boolean;
  readonly compare: {
    readonly faultPoints: Amount;
    readonly latencyPercent: Amount;
    readonly memoryPercent: Amount;
    readonly minDevices: Amount;
  };
  readonly approval: boolean;
  readonly onTrip: Gate['onTrip'];
}

export interface WaveDraft {
  /** Stays with the row when rows are moved. */
  readonly key: number;
  readonly name: string;
  readonly of: WaveOf['of'];
  /** Percent, devices or places, as `of` has it. */
  readonly amount: Amount;
  /** The group, or the tag's key. */
  readonly word: string;
  /** The tag's value. */
  readonly value: string;
  readonly gate: GateDraft;
}

export interface AmongDraft {
  readonly group: string;
  /** `key=value`. */
  readonly tags: readonly string[];
  readonly devices: readonly string[];
}

export interface WindowDraft {
  readonly cron: string;
  readonly minutes: Amount;
  /** Empty: each device's own. */
  readonly timeZone: string;
}

export interface RolloutDraft {
  readonly name: string;
  readonly channel: string;
  readonly targets: readonly TargetDraft[];
  readonly waves: readonly WaveDraft[];
  readonly inFlight: Amount;
  readonly timeouts: Readonly<Record<keyof Timeouts, Amount>>;
  /** As `<input type="datetime-local">` has it, in this browser's time. */
  readonly startAt: string;
  readonly deadline: string;
  readonly windows: readonly WindowDraft[];
  readonly blackouts: readonly { readonly from: string; readonly to: string }[];
  readonly among: AmongDraft;
  readonly skip: readonly z.infer<typeof Skippable>[];
  readonly seed: string;
}

export const GATE: GateDraft = {
  successPercent: 90,
  errorPercent: undefined,
  errorCount: undefined,
  faults: [{ kind: 'signature', count: 1, percent: undefined }],
  minDevices: undefined,
  soakMinutes: undefined,
  unhealthyPercent: undefined,
  compares: false,
  compare: { faultPoints: 5, latencyPercent: 50, memoryPercent: 50, minDevices: undefined },
  approval: false,
  onTrip: 'pause',
};

const wave = (key: number, of: WaveOf['of'], amount: Amount, gate: Partial<GateDraft> = {}): WaveDraft => ({
  key,
  name: '',
  of,
  amount,
  word: '',
  value: '',
  gate: { ...GATE, ...gate },
});

/** What an added wave begins with. */
export const newWave = (key: number): WaveDraft => wave(key, 'percent', 50, { soakMinutes: 5 });

/** Canaries of every architecture, then a tenth, then the rest. */
export const firstDraft = (channel: string, targets: readonly TargetDraft[]): RolloutDraft => ({
  name: '',
  channel,
  targets,
  waves: [
    wave(1, 'architecture', 5, { soakMinutes: 10 }),
    wave(2, 'percent', 10, { soakMinutes: 10 }),
    wave(3, 'rest', undefined),
  ],
  inFlight: undefined,
  timeouts: Object.fromEntries(
    Object.keys(Timeouts.shape).map((stage) => [stage, undefined]),
  ) as RolloutDraft['timeouts'],
  startAt: '',
  deadline: '',
  windows: [],
  blackouts: [],
  among: { group: '', tags: [], devices: [] },
  skip: [],
  seed: '',
});

/** What it is called unless somebody names it. */
export const defaultName = ({ targets, channel }: Pick<RolloutDraft, 'targets' | 'channel'>): string =>
  `${targets.map(({ app, version }) => `${app} ${version}`).join(', ')} to ${channel}`.slice(0, 100);

/** Without the entries that are empty. */
const given = <T extends object>(entries: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(entries).filter(([, value]) => value !== undefined && value !== ''),
  ) as Partial<T>;

function devicesOf({ of, amount, word, value }: WaveDraft): unknown {
  switch (of) {
    case 'percent':
      return { of, percent: amount };
    case 'count':
      return { of, count: amount };
    case 'architecture':
      return { of, each: amount };
    case 'hash':
      return { of, below: amount };
    case 'group':
      return { of, group: word };
    case 'tag':
      return { of, key: word, value };
    case 'rest':
      return { of };
  }
}

export const gateInput = ({ compares, compare, faults, ...gate }: GateDraft): unknown => ({
  ...given(gate),
  faults: faults.map(given),
  ...(compares && { compare: given(compare) }),
});

function amongOf({ group, tags, devices }: AmongDraft): unknown {
  const pairs = tags.map((tag) => {
    const [key = '', ...value] = tag.split('=');
    return [key, value.join('=')];
  });
  const among = {
    ...given({ group }),
    ...(tags.length > 0 && { tags: Object.fromEntries(pairs) }),
    ...(devices.length > 0 && { devices }),
  };
  return Object.keys(among).length === 0 ? undefined : among;
}

/** A local time without one that cannot be read; the schema then says so. */
const instantOf = (local: string): string | undefined => {
  if (local === '') return undefined;
  const ms = Date.parse(local);
  return Number.isNaN(ms) ? local : new Date(ms).toISOString();
};

/** What it orders, or every place that does not fit. */
export function parseDraft(draft: RolloutDraft) {
  const { name, channel, targets, waves, inFlight, timeouts, windows, blackouts, among, skip, seed } = draft;
  return CreateRollout.safeParse({
    name: name.trim() === '' ? defaultName(draft) : name,
    channel,
    targets,
    waves: waves.map((each) => ({
      ...given({ name: each.name.trim() }),
      devices: devicesOf(each),
      gate: gateInput(each.gate),
    })),
    ...given({ inFlight, seed, startAt: instantOf(draft.startAt), deadline: instantOf(draft.deadline) }),
    timeouts: given(timeouts),
    windows: windows.map(given),
    blackouts: blackouts.map(given),
    ...given({ among: amongOf(among) }),
    skip,
  });
}

/** A row one place further up or down; unchanged at the ends. */
export function moved<T>(rows: readonly T[], from: number, by: -1 | 1): readonly T[] {
  const row = rows[from];
  const other = rows[from + by];
  return row === undefined || other === undefined ? rows : rows.with(from, other).with(from + by, row);
}
