/**
 * Desired state: what the director wants one device to run. Signed with the director key, bound to
 * the device, monotonic and expiring. The agent obeys it only as far as the offline-signed targets,
 * the floors and the owner's policy allow (design.md 4.3); so whoever steals the director can only
 * choose among genuine releases.
 */
import { z } from 'zod';
import { Grants, Limits } from './grants.ts';
import { AppName, ChannelName, DeviceId, Digest, ExecutionId, Timestamp, Version } from './ids.ts';
import { Signature } from './signature.ts';

/** What makes the agent call a reactor's `timer`, and run a command again. */
export const Triggers = z.strictObject({
  /** Call `timer.tick` this often, ms; absent means never. */
  everyMs: z.number().int().min(100).max(86_400_000).optional(),
});
export type Triggers = z.infer<typeof Triggers>;

/** What a release must show after start, and while it soaks, to be kept. */
export const HealthRule = z.strictObject({
  /** How long the probe may take to say yes after start, ms. It is asked again until then. */
  probeWithinMs: z.number().int().min(1).max(600_000).default(5000),
  /** How long the previous release stays warm after the switch, ms. */
  soakMs: z.number().int().min(0).max(86_400_000).default(10_000),
  /** Faults during the soak that are still forgiven. */
  soakFaults: z.number().int().min(0).default(0),
  /** How often the probe is asked while running, ms. */
  probeEveryMs: z.number().int().min(100).max(3_600_000).default(2000),
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
  limits: Limits,
  triggers: Triggers,
  health: HealthRule,
});
export type DesiredApp = z.infer<typeof DesiredApp>;

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

export const SignedDesired = z.strictObject({
  signed: DesiredState,
  signatures: z.array(Signature).min(1).max(8),
});
export type SignedDesired = z.infer<typeof SignedDesired>;
