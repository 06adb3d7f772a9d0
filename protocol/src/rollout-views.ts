/** A rollout as people see it: the rollout itself, its dry run, its devices. */
import { z } from 'zod';
import { AppName, ChannelName, DeviceId, Timestamp, Version } from './ids.ts';
import { PageQuery, page } from './page.ts';
import { RolloutAction, RolloutState, WaveState } from './rollout-states.ts';
import { Blackout, Gate, RolloutId, Verdict, WaveOf, Window } from './rollouts.ts';
import { ExecutionState } from './states.ts';

const Count = z.number().int();

/** What a wave has been through; kept with the rollout. */
export const WaveProgress = z.object({
  state: WaveState,
  /** Since when it is in that state. */
  since: Timestamp.nullable(),
  /** Why it tripped. */
  reason: z.string().nullable(),
  /** Failures that a person accepted by resuming: fault kind or end state → devices. */
  forgiven: z.record(z.string(), Count).default({}),
});
export type WaveProgress = z.infer<typeof WaveProgress>;

/** Devices of a wave by how far they are. `started` are under way; the sum is `devices`. */
export const WaveCounts = z.object({
  devices: Count,
  waiting: Count,
  started: Count,
  succeeded: Count,
  failed: Count,
  /** CANCELED, REMOVED and rolled back on order. */
  withdrawn: Count,
  /** Failures by fault kind, or by end state where no fault was named. */
  causes: z.record(z.string(), Count),
});
export type WaveCounts = z.infer<typeof WaveCounts>;

/** Medians of one side of a comparison; null where no device said it. */
const SideView = z.object({
  /** With a health report of the app that counts. */
  devices: Count,
  /** Faults of a hundred calls. */
  faultPercent: z.number().nullable(),
  latencyMs: z.number().nullable(),
  memoryBytes: z.number().nullable(),
});
export type SideView = z.infer<typeof SideView>;

export const WaveView = WaveProgress.omit({ forgiven: true }).extend({
  name: z.string(),
  devices: WaveOf,
  gate: Gate,
  counts: WaveCounts,
});
export type WaveView = z.infer<typeof WaveView>;

/** A release that the rollout brings. Grants are named in words, such as `messaging.publish telemetry/#`. */
export const RolloutTargetView = z.object({
  app: AppName,
  version: Version,
  /** What the channel held when the rollout was made; null when it did not hold the app. */
  from: Version.nullable(),
  /** What it may do that the release before might not. Any of them makes the rollout wait for an approval. */
  gains: z.array(z.string()),
  /** What the release before might do and it may not. */
  loses: z.array(z.string()),
});
export type RolloutTargetView = z.infer<typeof RolloutTargetView>;

export const RolloutView = z.object({
  id: RolloutId,
  /** Grows; for people. */
  number: Count,
  name: z.string(),
  channel: ChannelName,
  state: RolloutState,
  /** Why it is in that state, for people. */
  reason: z.string().nullable(),
  /** What may be ordered in that state. */
  actions: z.array(RolloutAction),
  targets: z.array(RolloutTargetView),
  /** Whether the channel is moved at its end. */
  movesChannel: z.boolean(),
  waves: z.array(WaveView),
  /** The app's health of updated and of other devices, as the gate of the current wave compares it. */
  comparison: z.object({ updated: SideView, others: SideView }).nullable(),
  devices: Count,
  inFlight: Count,
  windows: z.array(Window),
  blackouts: z.array(Blackout),
  startAt: Timestamp.nullable(),
  deadline: Timestamp.nullable(),
  created: Timestamp,
  createdBy: z.string(),
  /** Who let it widen what releases may do; null when nobody has, or nobody has to. */
  approvedBy: z.string().nullable(),
  /** The rollout whose releases this one takes back. */
  reverts: RolloutId.nullable(),
  updated: Timestamp,
  /** For If-Match. */
  revision: Count,
});
export type RolloutView = z.infer<typeof RolloutView>;
/** Newest first. */
export const RolloutList = page(RolloutView);
export const RolloutQuery = PageQuery.extend({
  state: RolloutState.optional(),
  channel: ChannelName.optional(),
});

/** What a dry run says of a device. */
export const DeviceVerdict = z.object({
  device: DeviceId,
  name: z.string(),
  architecture: z.string(),
  /** Null for one that would be no member. */
  wave: Count.nullable(),
  /** From 1, in the order in which they are started. */
  position: Count.nullable(),
  verdict: Verdict,
  /** The grant, the rule, since when, until when. */
  detail: z.string().nullable(),
  /** What it would receive. */
  bytes: Count,
});
export type DeviceVerdict = z.infer<typeof DeviceVerdict>;

const Verdicts = z.partialRecord(Verdict, Count);

/** Answer of a dry run. Nothing is stored. */
export const RolloutPreview = z.object({
  /** Members. */
  devices: Count,
  /** Send it with POST /rollouts, and just this is stored or nothing. */
  fingerprint: z.string(),
  targets: z.array(RolloutTargetView),
  waves: z.array(
    z.object({
      name: z.string(),
      devices: Count,
      /** By architecture. */
      architectures: z.record(z.string(), Count),
      verdicts: Verdicts,
      /** What its devices would receive. */
      bytes: Count,
      /** Estimated, soak included; windows and approvals are not. */
      minutes: z.number(),
      /** The first of the wave by place, at most 20. */
      first: z.array(DeviceVerdict),
    }),
  ),
  /** Of every device of the channel, members or not. */
  verdicts: Verdicts,
  bytes: Count,
  minutes: z.number(),
});
export type RolloutPreview = z.infer<typeof RolloutPreview>;

/** POST /rollouts/preview/devices, in the order of waves and places, those that would be no members last. */
export const DeviceVerdictList = page(DeviceVerdict);
export const DeviceVerdictQuery = PageQuery.extend({ verdict: Verdict.optional() });

/** GET /rollouts/:id/devices, in the order of waves and places. */
export const RolloutDeviceList = page(
  z.object({
    device: DeviceId,
    wave: Count,
    position: Count,
    state: ExecutionState,
    /** Fault kind of a failure, or why it was withdrawn. */
    cause: z.string().nullable(),
    updated: Timestamp,
  }),
);
export const RolloutDeviceQuery = PageQuery.extend({
  state: ExecutionState.optional(),
  wave: z.coerce.number().int().min(0).max(49).optional(),
  cause: z.string().max(60).optional(),
});

/** Body of POST /rollouts/:id/:action; `reason` goes on record. */
export const RolloutOrder = z.strictObject({ reason: z.string().trim().max(500).optional() });
