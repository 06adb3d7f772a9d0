/**
 * A rollout as people order and see it. It brings releases to the devices of a channel, or to some of
 * them, wave by wave; each wave has a gate, and what does not pass it stops the rollout.
 *
 * Numbers are integers throughout: percent, minutes, devices.
 */
import { z } from 'zod';
import { MoveChannel, PageQuery } from './api.ts';
import { FaultKind } from './faults.ts';
import { AppName, ChannelName, DeviceId, Timestamp, Version } from './ids.ts';
import { RolloutState, WaveState } from './rollout-states.ts';
import { ExecutionState } from './states.ts';

export const RolloutId = z.uuid().brand('RolloutId');
export type RolloutId = z.infer<typeof RolloutId>;

const Percent = z.number().int().min(0).max(100);
const Devices = z.number().int().min(1).max(10_000_000);
const MinutesOf = z.number().int().min(1).max(43_200);

/**
 * Who is in a wave, of those that no earlier wave took. A device's place is a hash of its id and the
 * rollout's `seed`, so the same device stands at the same place in every rollout with that seed.
 */
export const WaveOf = z.discriminatedUnion('of', [
  /** The first by place, until the waves together hold this share of the rollout's devices (rounded up). */
  z.strictObject({ of: z.literal('percent'), percent: Percent.min(1) }),
  /** The first by place, this many. */
  z.strictObject({ of: z.literal('count'), count: Devices }),
  /** Canaries: the first by place, this many of every architecture. */
  z.strictObject({ of: z.literal('architecture'), each: Devices }),
  /** Every device whose place is below so many ten-thousandths, whoever else there is. */
  z.strictObject({ of: z.literal('hash'), below: z.number().int().min(1).max(10_000) }),
  z.strictObject({ of: z.literal('group'), group: z.string().min(1).max(100) }),
  z.strictObject({ of: z.literal('tag'), key: z.string().min(1).max(50), value: z.string().max(200) }),
  z.strictObject({ of: z.literal('rest') }),
]);
export type WaveOf = z.infer<typeof WaveOf>;

/** Faults of a kind that has a rule are judged by that rule alone, not by `errorPercent` and `errorCount`. */
export const FaultRule = z
  .strictObject({
    kind: FaultKind,
    /** This many devices with it trip the gate. */
    count: Devices.optional(),
    /** More than this share of the ended devices with it trips the gate, once `minDevices` have ended. */
    percent: Percent.optional(),
  })
  .refine(({ count, percent }) => count !== undefined || percent !== undefined, 'give count or percent');
export type FaultRule = z.infer<typeof FaultRule>;

/** A damaged signature is never weather. */
const FAULT_RULES = [{ kind: 'signature' as const, count: 1 }];

export const Gate = z.strictObject({
  /** Least share of the whole wave that must succeed. Trips as soon as it cannot be reached any more. */
  successPercent: Percent.default(90),
  /** Most of the ended devices that may fail, in percent, once `minDevices` have ended. */
  errorPercent: Percent.optional(),
  /** This many failures trip it at once. */
  errorCount: Devices.optional(),
  faults: z.array(FaultRule).max(32).default(FAULT_RULES),
  /** So many must have ended before a share says anything; a smaller wave is judged when all have. */
  minDevices: Devices.default(1),
  /** How long the wave is watched after its last device has ended. */
  soakMinutes: z.number().int().min(0).max(43_200).default(0),
  /** Devices of this rollout that succeeded and whose app failed since; more than this share trips the soak. */
  unhealthyPercent: Percent.default(5),
  /** A person has to say that the next wave may begin. */
  approval: z.boolean().default(false),
  /** What happens when it trips. */
  onTrip: z.enum(['pause', 'abort', 'rollback']).default('pause'),
});
export type Gate = z.infer<typeof Gate>;

export const Wave = z.strictObject({
  name: z.string().min(1).max(60).optional(),
  devices: WaveOf,
  gate: Gate.prefault({}),
});
export type Wave = z.infer<typeof Wave>;

const takesTheRest = ({ devices }: Wave): boolean =>
  devices.of === 'rest' || (devices.of === 'percent' && devices.percent === 100);

/** Silence for so long, in minutes, ends a device's part as TIMED_OUT; the soak counts beyond its own length. */
export const Timeouts = z.strictObject({
  queued: MinutesOf.default(15),
  downloading: MinutesOf.default(15),
  verifying: MinutesOf.default(15),
  preparing: MinutesOf.default(15),
  starting: MinutesOf.default(15),
  probing: MinutesOf.default(15),
  soaking: MinutesOf.default(15),
});
export type Timeouts = z.infer<typeof Timeouts>;

/** As a move of a channel (MoveChannel), of one app. */
export const RolloutTarget = MoveChannel.extend({ app: AppName });
export type RolloutTarget = z.infer<typeof RolloutTarget>;

/** Which devices of the channel; all of those that are named, and all of the channel's when none are. */
export const Among = z
  .strictObject({
    devices: z.array(DeviceId).min(1).max(10_000).optional(),
    group: z.string().min(1).max(100).optional(),
    tags: z.record(z.string().min(1).max(50), z.string().max(200)).optional(),
  })
  .refine((among) => Object.keys(among).length > 0, 'name devices, a group or tags, or leave `among` out');

/** POST /rollouts and POST /rollouts/preview. */
export const CreateRollout = z
  .strictObject({
    name: z.string().trim().min(1).max(100),
    channel: ChannelName,
    targets: z.array(RolloutTarget).min(1).max(16),
    /** Without it the channel itself is moved at the end, so that new devices get the releases too. */
    among: Among.optional(),
    waves: z
      .array(Wave)
      .min(1)
      .max(50)
      .prefault([{ devices: { of: 'rest' } }]),
    /** Devices whose part is under way at one time; those that ended, however, hold no place. */
    inFlight: Devices.default(100),
    timeouts: Timeouts.prefault({}),
    /** Not before; RFC 3339. */
    startAt: Timestamp.optional(),
    /** Another seed gives every device another place. */
    seed: z.string().max(100).default(''),
    /** Of a preview: refused if the waves would hold other devices than it showed. */
    fingerprint: z.string().max(64).optional(),
  })
  .refine(
    ({ waves }) => waves.slice(-1).every(takesTheRest),
    'waves: the last one takes the rest: `{"of":"rest"}` or 100 percent',
  )
  .refine(
    ({ targets }) => new Set(targets.map(({ app }) => app)).size === targets.length,
    'targets: an app is named twice',
  );
export type CreateRollout = z.infer<typeof CreateRollout>;

/** What a wave has been through; kept with the rollout. */
export const WaveProgress = z.object({
  state: WaveState,
  /** Since when it is in that state. */
  since: Timestamp.nullable(),
  /** Why it tripped. */
  reason: z.string().nullable(),
  /** Failures that a person accepted by resuming: fault kind or end state → devices. */
  forgiven: z.record(z.string(), z.number().int()).default({}),
});
export type WaveProgress = z.infer<typeof WaveProgress>;

/** Devices of a wave by how far they are. `started` are under way; the sum is `devices`. */
export const WaveCounts = z.object({
  devices: z.number().int(),
  waiting: z.number().int(),
  started: z.number().int(),
  succeeded: z.number().int(),
  failed: z.number().int(),
  /** CANCELED, REMOVED and rolled back on order. */
  withdrawn: z.number().int(),
  /** Failures by fault kind, or by end state where no fault was named. */
  causes: z.record(z.string(), z.number().int()),
});
export type WaveCounts = z.infer<typeof WaveCounts>;

export const WaveView = WaveProgress.omit({ forgiven: true }).extend({
  name: z.string(),
  devices: WaveOf,
  gate: Gate,
  counts: WaveCounts,
});

export const RolloutTargetView = z.object({
  app: AppName,
  version: Version,
  /** What the channel held when the rollout was made; null when it did not hold the app. */
  from: Version.nullable(),
  /** What it may do that the release before might not, in words. */
  widens: z.string().nullable(),
});

export const RolloutView = z.object({
  id: RolloutId,
  /** Grows; for people. */
  number: z.number().int(),
  name: z.string(),
  channel: ChannelName,
  state: RolloutState,
  /** Why it is in that state, for people. */
  reason: z.string().nullable(),
  targets: z.array(RolloutTargetView),
  /** Whether the channel is moved at its end. */
  movesChannel: z.boolean(),
  waves: z.array(WaveView),
  devices: z.number().int(),
  inFlight: z.number().int(),
  startAt: Timestamp.nullable(),
  created: Timestamp,
  createdBy: z.string(),
  updated: Timestamp,
  /** For If-Match. */
  revision: z.number().int(),
});
export type RolloutView = z.infer<typeof RolloutView>;
/** Newest first. */
export const RolloutList = z.object({ items: z.array(RolloutView), next: z.string().optional() });
export const RolloutQuery = PageQuery.extend({ state: RolloutState.optional() });

/** Answer of a dry run. Nothing is stored. */
export const RolloutPreview = z.object({
  devices: z.number().int(),
  /** Send it with POST /rollouts, and just this is stored or nothing. */
  fingerprint: z.string(),
  targets: z.array(RolloutTargetView),
  waves: z.array(
    z.object({
      name: z.string(),
      devices: z.number().int(),
      /** By architecture. */
      architectures: z.record(z.string(), z.number().int()),
      /** The first of the wave by place, at most 20. */
      first: z.array(DeviceId),
    }),
  ),
});
export type RolloutPreview = z.infer<typeof RolloutPreview>;

/** GET /rollouts/:id/devices, in the order of waves and places. */
export const RolloutDeviceList = z.object({
  items: z.array(
    z.object({
      device: DeviceId,
      wave: z.number().int(),
      position: z.number().int(),
      state: ExecutionState,
      /** Fault kind of a failure. */
      cause: z.string().nullable(),
      updated: Timestamp,
    }),
  ),
  next: z.string().optional(),
});
export const RolloutDeviceQuery = PageQuery.extend({ state: ExecutionState.optional() });

/** Body of POST /rollouts/:id/:action; `reason` goes on record. */
export const RolloutOrder = z.strictObject({ reason: z.string().trim().max(500).optional() });
