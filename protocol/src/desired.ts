/**
 * Desired state: what the director wants one device to run. Signed with the director key, bound to
 * the device, monotonic and expiring. The agent obeys it only as far as the offline-signed targets,
 * the floors and the owner's policy allow (design.md 4.3); so whoever steals the director can only
 * choose among genuine releases.
 */
import { z } from 'zod';
import { Grants, Limits, SecretName } from './grants.ts';
import { AppName, ChannelName, DeviceId, Digest, ExecutionId, Timestamp, Version } from './ids.ts';
import { Signature } from './signature.ts';

/**
 * What makes the agent call a reactor's `timer` and run a command. A command runs when it starts and at
 * every trigger; with `keepRunning` it is a service: it has a thread of its own, no deadline, and is run
 * again, ever more slowly, when it ends.
 */
export const Triggers = z
  .strictObject({
    /** At this interval, ms. */
    everyMs: z.number().int().min(100).max(86_400_000).optional(),
    /** At the minutes of a cron expression (five fields, or six with seconds), in `timeZone`. */
    cron: z.string().max(100).optional(),
    /** IANA name; default UTC. */
    timeZone: z.string().max(60).optional(),
    keepRunning: z.boolean().optional(),
  })
  .refine(
    ({ everyMs, cron, keepRunning }) =>
      [everyMs !== undefined, cron !== undefined, keepRunning === true].filter(Boolean).length <= 1,
    'everyMs, cron and keepRunning exclude each other',
  );
export type Triggers = z.infer<typeof Triggers>;

/** Whether a guest shares its thread with others: a neighbour's broken deadline costs a shared one a restart. */
export const Isolation = z.enum(['shared', 'dedicated']);
export type Isolation = z.infer<typeof Isolation>;

/**
 * What a release must show after start, and while it soaks, to be kept. The comparisons are with the
 * release before it, over the same length of time, once both have `compareAfterCalls` calls.
 */
export const HealthRule = z.strictObject({
  /** How long the probe may take to say yes after start, ms. It is asked again until then. */
  probeWithinMs: z.number().int().min(1).max(600_000).default(5000),
  /** How long the previous release stays warm after the switch, ms. */
  soakMs: z.number().int().min(0).max(86_400_000).default(10_000),
  /** Faults during the soak that are still forgiven. */
  soakFaults: z.number().int().min(0).default(0),
  /** How often the probe is asked while running, ms. */
  probeEveryMs: z.number().int().min(100).max(3_600_000).default(2000),
  compareAfterCalls: z.number().int().min(1).default(20),
  /** Most that faults in 100 calls may exceed those of the previous release by. */
  maxFaultRisePercent: z.number().int().min(0).max(100).default(5),
  /** Most that p90 latency may be, in percent of the previous release's; less than 5 ms never counts. */
  maxLatencyPercent: z.number().int().min(100).default(500),
  /** Most that memory may be, in percent of the previous release's; less than 4 MiB never counts. */
  maxMemoryPercent: z.number().int().min(100).default(400),
});
export type HealthRule = z.infer<typeof HealthRule>;

export const DesiredApp = z.strictObject({
  app: AppName,
  execution: ExecutionId,
  channel: ChannelName,
  version: Version,
  target: z.strictObject({
    path: z.string().max(300),
    sha256: Digest,
    /** Bytes of the component. */
    length: z.number().int().min(1),
  }),
  counter: z.number().int().min(1),
  grants: Grants,
  config: z.record(z.string().max(100), z.string().max(4000)).default({}),
  /** The values of the granted secrets, sealed to this device's key: name → base64. */
  secrets: z.record(SecretName, z.string().max(12_000)).default({}),
  limits: Limits,
  isolation: Isolation.default('shared'),
  triggers: Triggers,
  health: HealthRule,
});
export type DesiredApp = z.infer<typeof DesiredApp>;

/** What was approved for an app: on a channel, in a rollout, or for one device alone. */
export type Approved = Pick<
  DesiredApp,
  'version' | 'grants' | 'config' | 'limits' | 'isolation' | 'triggers' | 'health'
>;

export const DesiredState = z.strictObject({
  _type: z.literal('wafer-desired'),
  protocol: z.literal(1),
  device: DeviceId,
  /** Grows with every change for this device; the agent never goes back. */
  version: z.number().int().min(1),
  issued: Timestamp,
  expires: Timestamp,
  apps: z.array(DesiredApp).max(64),
});
export type DesiredState = z.infer<typeof DesiredState>;

/**
 * A signed desired state as it came. The signature covers what was sent, so that is what is verified
 * and kept: read through `DesiredState` it would hold the defaults of whoever reads it, which the
 * director may not have known.
 */
export const DesiredEnvelope = z.strictObject({
  signed: z.looseObject({ version: z.number().int().min(1) }),
  signatures: z.array(Signature).min(1).max(8),
});
export type DesiredEnvelope = z.infer<typeof DesiredEnvelope>;

export const SignedDesired = z.strictObject({
  signed: DesiredState,
  signatures: z.array(Signature).min(1).max(8),
});
export type SignedDesired = z.infer<typeof SignedDesired>;
