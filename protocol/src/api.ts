/**
 * The HTTP API under /api/v1 as schemas: they validate, they make the OpenAPI file, and they type
 * the dashboard and the CLI. Lists take `cursor` and `limit`; errors are `Problem`.
 */
import { z } from 'zod';
import { Fault, FaultKind } from './faults.ts';
import { HealthRule, Isolation, Triggers } from './desired.ts';
import { Grants, Limits } from './grants.ts';
import { AppName, ChannelName, DeviceId, Digest, ExecutionId, GroupName, Timestamp, Version } from './ids.ts';
import { HealthReport, LogLevel, SwapFigures } from './messages.ts';
import { World } from './release.ts';
import { SelfTest } from './self-test.ts';
import { SignedMetadata } from './trust.ts';
import { page, PageQuery } from './page.ts';
import { AppState, ExecutionStage, ExecutionState } from './states.ts';

export * from './audit-views.ts';
export * from './enrolment.ts';
export * from './people.ts';
export * from './trust.ts';

export const API_ROOT = '/api/v1';

export { PageQuery };

// Devices -----------------------------------------------------------------------------------------

export const ExecutionView = z.object({
  id: ExecutionId,
  app: AppName,
  version: Version,
  state: ExecutionState,
  stage: ExecutionStage.nullable(),
  fault: Fault.nullable(),
  swap: SwapFigures.nullable(),
  runningVersion: Version.nullable(),
  created: Timestamp,
  updated: Timestamp,
});
export type ExecutionView = z.infer<typeof ExecutionView>;
/** GET /executions; newest first. */
export const ExecutionList = page(ExecutionView.extend({ device: DeviceId }));
export type ExecutionList = z.infer<typeof ExecutionList>;
export const ExecutionQuery = PageQuery.extend({
  device: DeviceId.optional(),
  app: AppName.optional(),
  state: ExecutionState.optional(),
});

export const DeviceApp = z.object({
  app: AppName,
  /** What it runs by its own report; null before the first one. */
  running: z.object({ version: Version, digest: Digest, state: AppState }).nullable(),
  /** What it should run; null when no channel of it holds the app any more. */
  desired: z
    .object({
      version: Version,
      channel: ChannelName,
      grants: Grants,
      limits: Limits,
      isolation: Isolation,
      triggers: Triggers,
    })
    .nullable(),
  execution: ExecutionView.nullable(),
});
export type DeviceApp = z.infer<typeof DeviceApp>;

/** One word for the badge: offline, failing (a fault of an app's last execution), or healthy. */
export const DeviceHealth = z.enum(['healthy', 'failing', 'offline', 'unknown']);
export type DeviceHealth = z.infer<typeof DeviceHealth>;

export const DeviceSummary = z.object({
  id: DeviceId,
  name: z.string(),
  arch: z.string(),
  group: z.string().nullable(),
  tags: z.record(z.string(), z.string()),
  channels: z.array(ChannelName),
  online: z.boolean(),
  lastSeen: Timestamp.nullable(),
  enrolled: Timestamp,
  health: DeviceHealth,
  apps: z.array(DeviceApp),
});
export type DeviceSummary = z.infer<typeof DeviceSummary>;

export const GuestMessage = z.object({ app: AppName, topic: z.string(), payload: z.string(), at: Timestamp });
export type GuestMessage = z.infer<typeof GuestMessage>;

export const DeviceDetail = DeviceSummary.extend({
  inventory: z
    .object({
      agent: z.string(),
      os: z.string(),
      hostname: z.string(),
      board: z.string(),
      cores: z.number(),
      memoryBytes: z.number(),
      node: z.string(),
    })
    .nullable(),
  /** By its last hello; null while it said nothing of it. */
  selfTest: SelfTest.nullable(),
  desiredVersion: z.number().int(),
  /** App → the release of its own that it is pinned to. */
  pins: z.record(AppName, Version),
  /** The last time that it failed again and again: no rollout starts it until then. */
  rests: z.object({ until: Timestamp, why: z.string() }).nullable(),
  /** Last health report. */
  latest: HealthReport.nullable(),
  /** Last message on each topic that the device's guests published to. */
  messages: z.array(GuestMessage),
});
export type DeviceDetail = z.infer<typeof DeviceDetail>;

export const DeviceList = page(DeviceSummary);

export const HealthQuery = z.object({ minutes: z.coerce.number().int().min(1).max(43_200).default(60) });
/** Oldest first, thinned to at most 500 points. */
export const HealthSeries = z.object({ items: z.array(HealthReport) });
export type HealthSeries = z.infer<typeof HealthSeries>;

/** One line in a device's timeline. */
export const DeviceEvent = z.object({
  id: z.string(),
  at: Timestamp,
  kind: z.enum(['enrolled', 'online', 'offline', 'desired', 'execution', 'fault', 'apps']),
  app: AppName.nullable(),
  version: Version.nullable(),
  state: ExecutionState.nullable(),
  fault: z.object({ kind: FaultKind, message: z.string(), subject: z.string().optional() }).nullable(),
  /** For people. */
  text: z.string(),
});
export type DeviceEvent = z.infer<typeof DeviceEvent>;
/** Newest first. */
export const DeviceEventList = page(DeviceEvent);

export const LogLineView = z.object({ app: AppName, at: Timestamp, level: LogLevel, text: z.string() });
/** Newest first. */
export const DeviceLogList = page(LogLineView);

/** PATCH /devices/:id. What is absent stays; `tags` replaces all tags. */
export const UpdateDevice = z.strictObject({
  name: z.string().trim().min(1).max(100).optional(),
  tags: z.record(z.string().min(1).max(50), z.string().max(200)).optional(),
});
export type UpdateDevice = z.infer<typeof UpdateDevice>;

export const DeviceListQuery = PageQuery.extend({
  /** Part of the id, name, architecture, group, or of a tag as `key=value`. */
  q: z.string().trim().max(100).optional(),
  online: z.enum(['true', 'false']).optional(),
  /** Members of this static or dynamic group. */
  group: GroupName.optional(),
});

/** POST /devices/:id/messages: to a guest, which gets it if its grants cover the topic. */
export const SendGuestMessage = z
  .strictObject({
    app: AppName,
    /** A topic without wildcards. */
    topic: z
      .string()
      .min(1)
      .max(200)
      .regex(/^[^#+\0]+$/, 'a topic without #, + or NUL'),
    /** Either of them. */
    text: z.string().max(65_536).optional(),
    base64: z.base64().max(87_384).optional(),
  })
  .refine(({ text, base64 }) => (text === undefined) !== (base64 === undefined), 'either text or base64');
/** `online` says whether the device has a session, so that the message can reach it. */
export const SentGuestMessage = z.object({ online: z.boolean() });

// Releases ----------------------------------------------------------------------------------------

export const UploadedBlob = z.object({ digest: Digest, length: z.number().int() });

/** A release and the offline-signed metadata that carries it; accepted whole or not at all. */
export const CreateRelease = z.strictObject({
  app: AppName,
  version: Version,
  digest: Digest,
  /** Next version of the app's delegated role. */
  role: SignedMetadata,
  /** Next version of the top-level targets, when the app is new. */
  targets: SignedMetadata.optional(),
});

export const ReleaseView = z.object({
  app: AppName,
  version: Version,
  counter: z.number().int(),
  digest: Digest,
  length: z.number().int(),
  world: World,
  imports: z.array(z.string()),
  exports: z.array(z.string()),
  grants: Grants,
  memoryMiB: z.number().int(),
  /** Key ids that signed it. */
  signers: z.array(z.string()),
  published: Timestamp,
  /** Channels whose current release of the app it is. */
  channels: z.array(ChannelName),
});
export type ReleaseView = z.infer<typeof ReleaseView>;
export const ReleaseList = page(ReleaseView);

export const ChannelView = z.object({
  name: ChannelName,
  apps: z.array(z.object({ app: AppName, version: Version, since: Timestamp })),
  devices: z.number().int(),
});
export type ChannelView = z.infer<typeof ChannelView>;
export const ChannelList = z.object({ items: z.array(ChannelView) });

/**
 * PUT /channels/:channel/apps/:app: makes it the release of every subscribed device. What is absent
 * stays as the channel has it for the app, or takes its default.
 */
export const MoveChannel = z.strictObject({
  version: Version,
  /** Defaults to what the release asks for; approving more than that is refused. */
  grants: Grants.optional(),
  config: z.record(z.string().max(100), z.string().max(4000)).optional(),
  limits: Limits.optional(),
  isolation: Isolation.optional(),
  triggers: Triggers.optional(),
  health: HealthRule.optional(),
});
export const MovedChannel = z.object({
  channel: ChannelName,
  app: AppName,
  version: Version,
  /** Devices that were told. */
  devices: z.number().int(),
});
export type MovedChannel = z.infer<typeof MovedChannel>;

// Live --------------------------------------------------------------------------------------------

/**
 * Server-sent events of GET /events. They are hints: whoever gets one reads what it names again.
 * `resync` means that some may have been missed.
 */
export const LiveEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('device'), device: DeviceId }),
  z.object({ type: z.literal('health'), device: DeviceId }),
  z.object({ type: z.literal('release'), app: AppName }),
  z.object({ type: z.literal('channel'), channel: ChannelName }),
  z.object({ type: z.literal('rollout'), rollout: z.uuid() }),
  z.object({ type: z.literal('group'), group: z.string() }),
  z.object({ type: z.literal('resync') }),
]);
export type LiveEvent = z.infer<typeof LiveEvent>;
