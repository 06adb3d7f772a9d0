/**
 * The messages of design.md 4.2 as schemas. Whoever receives a message parses it here first; what
 * does not fit is dropped, counted and reported by its error code, and changes nothing.
 *
 * All of them are JSON, but for `response`, which is a frame (frame.ts) so that a chunk travels as
 * bytes.
 */
import { z } from 'zod';
import { Fault } from './faults.ts';
import { AppName, Digest, ExecutionId, Timestamp, Version } from './ids.ts';
import { Policy } from './policy.ts';
import { MetadataName } from './release.ts';
import { AppState, ExecutionStage, ExecutionState } from './states.ts';
import { Nonce } from './time.ts';

/** MQTT payloads in either direction, bytes. */
export const MAX_PAYLOAD_BYTES = 64 * 1024;

const Count = z.number().int().min(0);

export const Hello = z.strictObject({
  protocol: z.number().int().min(1),
  /** New with every start of the agent. */
  boot: z.uuid(),
  agent: z.string().max(50),
  /** `process.arch`: x64, arm64, arm, riscv64 … */
  arch: z.string().max(20),
  os: z.string().max(200),
  hostname: z.string().max(255),
  /** Of the board, given by its maker; absent where there is none. Two boards with one are clones. */
  serial: z.string().min(1).max(100).optional(),
  /** Model of the board where it says so, CPU model otherwise. */
  board: z.string().max(200),
  cores: Count,
  memoryBytes: Count,
  node: z.string().max(50),
  /** IANA name, as the board is set; absent where it has none. Maintenance windows are in it. */
  timeZone: z.string().min(1).max(60).optional(),
  /** What the board's owner allows; absent where it is too long to say. */
  policy: Policy.optional(),
  /** Version of the last desired state that was accepted; 0 when there is none. */
  desiredVersion: Count,
});
export type Hello = z.infer<typeof Hello>;

/**
 * What a change of the running instance cost. A swap that did not reach a stage has no figure for it.
 * `lostCalls` counts calls that got neither the old nor the new instance.
 */
export const SwapFigures = z.strictObject({
  cause: z.enum(['release', 'start', 'restart', 'rollback']).default('release'),
  prepareMs: z.number().min(0),
  startMs: z.number().min(0).optional(),
  probeMs: z.number().min(0).optional(),
  /** Time in which no instance took calls. */
  gapMs: z.number().min(0).optional(),
  drainMs: z.number().min(0).optional(),
  lostCalls: Count,
});
export type SwapFigures = z.infer<typeof SwapFigures>;

/** One device's part in bringing a release, whenever its state or stage changes. */
const ExecutionEvent = z.strictObject({
  kind: z.literal('execution'),
  at: Timestamp,
  execution: ExecutionId,
  app: AppName,
  version: Version,
  state: ExecutionState,
  stage: ExecutionStage.optional(),
  fault: Fault.optional(),
  swap: SwapFigures.optional(),
  /** The release that runs after a rollback. */
  runningVersion: Version.optional(),
});

/** Something that went wrong outside an execution. */
const FaultEvent = z.strictObject({
  kind: z.literal('fault'),
  at: Timestamp,
  app: AppName.optional(),
  version: Version.optional(),
  fault: Fault,
  /** How often it happened since it was last reported. */
  count: z.number().int().min(1),
});

/** What the device runs; sent after every change and after every start. */
const AppsEvent = z.strictObject({
  kind: z.literal('apps'),
  at: Timestamp,
  apps: z.array(z.strictObject({ app: AppName, version: Version, digest: Digest, state: AppState })).max(64),
});

export const ReportEvent = z.discriminatedUnion('kind', [ExecutionEvent, FaultEvent, AppsEvent]);
export type ReportEvent = z.infer<typeof ReportEvent>;

/** Numbered from 1 without gaps for the life of the device's identity. */
export const Report = z.strictObject({
  number: z.number().int().min(1),
  event: ReportEvent,
});
export type Report = z.infer<typeof Report>;

/** Most reports in one message. */
export const MAX_REPORTS = 32;

/** One report, or several in the order of their numbers. */
export const ReportMessage = z.union([
  Report.transform((report) => [report]),
  z.strictObject({ reports: z.array(Report).min(1).max(MAX_REPORTS) }).transform(({ reports }) => reports),
]);

/** The last report number that Postgres has committed, all before it included. */
export const Ack = z.strictObject({ number: Count });
export type Ack = z.infer<typeof Ack>;

/** What a guest used since the last report, beside its limits. */
export const Usage = z.strictObject({
  /** Time in its code, ms. */
  busyMs: z.number().min(0),
  /** Most calls that waited at a time. */
  queued: Count,
  logBytes: Count,
  messages: Count,
  outgoingBytes: Count,
  /** Keys and values that its stores hold now, bytes. */
  storeBytes: Count,
  /** Uses that no grant covered. */
  denied: Count,
});
export type Usage = z.infer<typeof Usage>;

export const AppHealth = z.strictObject({
  app: AppName,
  version: Version,
  state: AppState,
  /** Since the agent started. */
  calls: Count,
  faults: Count,
  /** Linear memory of the guest, bytes. */
  memoryBytes: Count,
  /** Latency of calls since the last report, ms; absent when there were none. */
  latencyMs: z.strictObject({ p50: z.number(), p90: z.number(), p99: z.number() }).optional(),
  usage: Usage.optional(),
  /** It fell again and again, and rests until it is tried again. */
  crashLoop: z.strictObject({ failures: Count, nextTryAt: Timestamp }).optional(),
  /** The last change of the instance that serves: a release, but also a start after a boot, or a restart. */
  lastSwap: z.strictObject({ at: Timestamp, figures: SwapFigures }).optional(),
  /** Grants that it has not used for as long as the agent's `suggestAfterHours`, such as `messaging.publish alarms/#`. */
  unusedGrants: z.array(z.string().max(300)).max(64).optional(),
});
export type AppHealth = z.infer<typeof AppHealth>;

export const HealthReport = z.strictObject({
  at: Timestamp,
  uptimeSeconds: z.number().min(0),
  /** Of all cores, 0 to 1, since the last report. */
  cpu: z.number().min(0).max(1),
  memory: z.strictObject({ usedBytes: Count, totalBytes: Count }),
  /** Resident memory of the agent and its isolates, bytes. */
  agentBytes: Count,
  disk: z.strictObject({ usedBytes: Count, totalBytes: Count }),
  /** Hottest thermal zone, °C, where the board has one. */
  temperatureC: z.number().optional(),
  apps: z.array(AppHealth).max(64),
});
export type HealthReport = z.infer<typeof HealthReport>;

export const LogLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'critical']);
export type LogLevel = z.infer<typeof LogLevel>;

export const LogLines = z.strictObject({
  app: AppName,
  lines: z
    .array(z.strictObject({ at: Timestamp, level: LogLevel, text: z.string().max(4000) }))
    .min(1)
    .max(200),
  /** Lines that the budget did not let through since the last message. */
  dropped: Count,
});
export type LogLines = z.infer<typeof LogLines>;

export const RequestId = z.number().int().min(1);

export const Request = z.discriminatedUnion('want', [
  z.strictObject({
    id: RequestId,
    want: z.literal('metadata'),
    name: MetadataName,
    /** First byte wanted, for metadata over RESPONSE_BODY_BYTES. */
    offset: Count,
  }),
  z.strictObject({ id: RequestId, want: z.literal('chunk'), digest: Digest, index: Count }),
  /** Answered with a `SignedTime`. */
  z.strictObject({ id: RequestId, want: z.literal('time'), nonce: Nonce }),
]);
export type Request = z.infer<typeof Request>;

/** Most bytes in the body of one response. */
export const RESPONSE_BODY_BYTES = 48 * 1024;

/**
 * Header of a response frame. For metadata the body is the bytes from `offset`, and `total` the
 * length of the whole. For a chunk the body is the chunk, zstd-compressed if `encoding` says so.
 */
export const ResponseHeader = z.discriminatedUnion('status', [
  z.strictObject({
    id: RequestId,
    status: z.literal('ok'),
    total: Count.optional(),
    encoding: z.enum(['identity', 'zstd']),
  }),
  z.strictObject({
    id: RequestId,
    status: z.literal('error'),
    code: z.enum(['not-found', 'forbidden', 'busy', 'invalid']),
  }),
]);
export type ResponseHeader = z.infer<typeof ResponseHeader>;

export const Command = z.discriminatedUnion('command', [
  z.strictObject({ id: RequestId, command: z.literal('restart-app'), app: AppName }),
  z.strictObject({ id: RequestId, command: z.literal('report-health') }),
]);
export type Command = z.infer<typeof Command>;

/** The will, and what the agent publishes when it leaves on purpose. */
export const Presence = z.strictObject({ online: z.literal(false) });
export type Presence = z.infer<typeof Presence>;
