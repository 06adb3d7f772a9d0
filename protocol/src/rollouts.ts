/**
 * A rollout as people order it (as they see it: rollout-views.ts). It brings releases to the devices of a
 * channel, or to some of them, wave by wave; each wave has a gate, and what does not pass it stops the
 * rollout.
 *
 * Numbers are integers throughout: percent, minutes, devices.
 */
import { z } from 'zod';
import { MoveChannel } from './api.ts';
import { FaultKind } from './faults.ts';
import { AppName, ChannelName, DeviceId, Timestamp } from './ids.ts';

export const RolloutId = z.uuid().brand('RolloutId');
export type RolloutId = z.infer<typeof RolloutId>;

const Percent = z.number().int().min(0).max(100);
const Devices = z.number().int().min(1).max(10_000_000);
const MinutesOf = z.number().int().min(1).max(43_200);
const Worse = z.number().int().min(1).max(10_000);

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

/**
 * The app's health on devices that were updated against those of the rollout that were not yet: more than
 * so many percent worse trips the gate. Of each device its last health report counts, if it is newer than
 * the update; what most devices show decides (the median), so that one odd board does not.
 */
export const Comparison = z.strictObject({
  /** Faults of a hundred calls. In percentage points, as most apps have none. */
  faultPoints: Percent.optional(),
  /** Median latency of calls. */
  latencyPercent: Worse.optional(),
  /** Linear memory. */
  memoryPercent: Worse.optional(),
  /** Both sides need so many devices with a report; with fewer nothing is compared. */
  minDevices: Devices.default(3),
});
export type Comparison = z.infer<typeof Comparison>;

export const Gate = z
  .strictObject({
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
    /** Health of the updated devices beside that of those not yet updated; without it they are not compared. */
    compare: Comparison.optional(),
    /** A person has to say that the next wave may begin. */
    approval: z.boolean().default(false),
    /** What happens when it trips. */
    onTrip: z.enum(['pause', 'abort', 'rollback']).default('pause'),
  })
  .refine(
    ({ compare, soakMinutes }) => compare === undefined || soakMinutes > 0,
    'compare: it needs soakMinutes, in which to compare',
  );
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

/** IANA name. */
const TimeZone = z.string().min(1).max(60);

/**
 * Devices are started only while a window is open; what has been started goes on after it closes. An
 * expression as of a trigger (schedule.ts) says when it opens.
 */
export const Window = z.strictObject({
  cron: z.string().min(1).max(100),
  /** How long it stays open. */
  minutes: MinutesOf.max(10_080),
  /** Without it, each device's own, as its last hello says; UTC where that says nothing. */
  timeZone: TimeZone.optional(),
});
export type Window = z.infer<typeof Window>;

/** Days on which nothing is started, the last one included, in each device's own time zone. */
export const Blackout = z
  .strictObject({ from: z.iso.date(), to: z.iso.date() })
  .refine(({ from, to }) => from <= to, 'it ends before it begins');
export type Blackout = z.infer<typeof Blackout>;

/**
 * What a dry run finds of a device, the first that applies. `update` is what the rollout would do; the
 * others say why it would not, or not at once.
 */
export const VERDICTS = [
  'update',
  'already-installed',
  'pinned', // to a release of its own: it is no member
  'resting', // it failed again and again, and is left alone for a day
  'incompatible', // its agent does not know what the release needs
  'missing-grant', // the release imports what would not be granted
  'refused', // by a rule of the device's owner
  'silent', // it is offline; it follows when it comes back, or times out
  'outside-window',
] as const;
export const Verdict = z.enum(VERDICTS);
export type Verdict = z.infer<typeof Verdict>;

/** A pinned device is never a member, and one that has the release already has nothing to lose by it. */
export const Skippable = Verdict.exclude(['update', 'already-installed', 'pinned']);

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
    /** Devices with such a verdict at its making are no members. */
    skip: z.array(Skippable).max(Skippable.options.length).default([]),
    /** Not before; RFC 3339. */
    startAt: Timestamp.optional(),
    /** Starts nothing after it: what has not begun to swap by then is called off, and the rollout ends. */
    deadline: Timestamp.optional(),
    /** Without any, it is always open. */
    windows: z.array(Window).max(16).default([]),
    blackouts: z.array(Blackout).max(32).default([]),
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
