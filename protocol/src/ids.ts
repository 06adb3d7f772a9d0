/**
 * Names of things. Every identifier that crosses a process boundary is parsed here once and is
 * branded from then on, so that a device's name can never stand where an app's name is meant, and
 * so that none of them can smuggle a `/`, `#`, `+` or `..` into a topic, a path or a query.
 */
import { z } from 'zod';

/** Chosen by the server at enrolment; also the MQTT client id and the certificate's common name. */
export const DeviceId = z
  .string()
  .regex(/^d-[a-z2-7]{16}$/, 'a device id looks like d-abcdefghijklmnop')
  .brand('DeviceId');
export type DeviceId = z.infer<typeof DeviceId>;

/** TUF gives these role names a meaning of their own, so no app may take them. */
const RESERVED_APP_NAMES = new Set(['root', 'targets', 'snapshot', 'timestamp', 'mirrors', 'director']);

/** Of an app or a channel, and so of a role of TUF. */
export const SLUG = /^[a-z][a-z0-9-]{0,38}$/;

export const AppName = z
  .string()
  .regex(SLUG, 'an app name is 1 to 39 of a-z, 0-9 and -, and starts with a letter')
  .refine((name) => !RESERVED_APP_NAMES.has(name), 'this name is reserved by the trust chain')
  .brand('AppName');
export type AppName = z.infer<typeof AppName>;

/** An OTA channel such as `stable` or `beta`. */
export const ChannelName = z
  .string()
  .regex(SLUG, 'a channel name is 1 to 39 of a-z, 0-9 and -, and starts with a letter')
  .brand('ChannelName');
export type ChannelName = z.infer<typeof ChannelName>;

/** Of a static or a dynamic group. For people, so almost any text; but it stands in a path. */
export const GroupName = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^[^\p{C}]+$/u, 'the name of a group holds no control characters')
  .refine((name) => name !== '.' && name !== '..', 'this name means another place in a path')
  .brand('GroupName');
export type GroupName = z.infer<typeof GroupName>;

/** SHA-256, 64 lower-case hexadecimal digits. */
export const Digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'a digest is 64 lower-case hexadecimal digits')
  .brand('Digest');
export type Digest = z.infer<typeof Digest>;

/** SemVer 2.0.0 without build metadata (https://semver.org, clause 10 makes it meaningless here). */
export const Version = z
  .string()
  .max(64)
  .regex(
    /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?$/,
    'a version is SemVer without build metadata, for example 1.4.0 or 2.0.0-rc.1',
  )
  .brand('Version');
export type Version = z.infer<typeof Version>;

/** One device's part in bringing one release to it; a retry is a new execution. */
export const ExecutionId = z.uuid().brand('ExecutionId');
export type ExecutionId = z.infer<typeof ExecutionId>;

/** Instants travel as ISO 8601 in UTC with milliseconds. */
export const Timestamp = z.iso.datetime();
