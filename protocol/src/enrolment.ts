/** Enrolment in the HTTP API: claim tokens, a board's first certificate, and the ones that follow it. */
import { z } from 'zod';
import { ChannelName, DeviceId, GroupName, Timestamp } from './ids.ts';

/** `wafer1.<SHA-256 of the CA's DER certificate, base64url>.<secret, base64url>`. */
export const ClaimToken = z
  .string()
  .regex(/^wafer1\.[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/, 'a claim token looks like wafer1.….…');

export const CreateClaim = z.strictObject({
  /** For people, to tell it from others. */
  name: z.string().trim().min(1).max(100).optional(),
  uses: z.number().int().min(1).max(10_000).default(1),
  expiresInSeconds: z.number().int().min(1).max(31_536_000).default(86_400),
  channels: z.array(ChannelName).max(16).default([]),
  /** A static group; one that is not there yet is made. */
  group: GroupName.optional(),
  tags: z.record(z.string().max(50), z.string().max(200)).default({}),
});
export const CreatedClaim = z.object({
  id: z.uuid(),
  token: ClaimToken,
  expires: Timestamp,
  uses: z.number(),
  /** Where a device enrols: the HTTPS address of the devices' API. */
  server: z.url(),
});
export type CreatedClaim = z.infer<typeof CreatedClaim>;

export const EnrolRequest = z.strictObject({
  token: ClaimToken,
  /** PKCS #10, PEM, P-256. Its subject is ignored: the server chooses the name. */
  csr: z.string().max(8192),
  hostname: z.string().max(255),
  arch: z.string().max(20),
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;

export const EnrolResponse = z.object({
  device: DeviceId,
  /** PEM, 45 days. */
  certificate: z.string(),
  /** PEM of the CA that signed it and the broker's certificate. */
  ca: z.string(),
  broker: z.object({ host: z.string(), port: z.number().int() }),
  /** The trusted TUF root, as signed JSON text. */
  root: z.string(),
});
export type EnrolResponse = z.infer<typeof EnrolResponse>;

/** A claim token without its secret, which nobody has but those whom it was given to. */
export const ClaimView = z.object({
  id: z.uuid(),
  name: z.string().nullable(),
  usesLeft: z.number().int(),
  created: Timestamp,
  /** As audit events name them: `user:ann`; null when it was not kept. */
  madeBy: z.string().nullable(),
  expires: Timestamp,
  revoked: Timestamp.nullable(),
  channels: z.array(ChannelName),
  group: z.string().nullable(),
  tags: z.record(z.string(), z.string()),
});
export type ClaimView = z.infer<typeof ClaimView>;

/** GET /claim-tokens; newest first, at most 200, those that still work before those that do not. */
export const ClaimList = z.object({ items: z.array(ClaimView) });

/** By what the server can tell that two boards are one. */
export const CloneReason = z.enum(['two live sessions', 'the serial number of the board', 'the key']);
export type CloneReason = z.infer<typeof CloneReason>;

/** Who may be whose clone, as `device.cloned` events of the audit tell it. */
export const CloneView = z.object({
  why: CloneReason,
  /** Of the first and of the last event of the week. An event comes once a day at most. */
  first: Timestamp,
  last: Timestamp,
  /** Two, or with two live sessions the one whose certificate both have. */
  devices: z
    .array(
      z.object({
        id: DeviceId,
        name: z.string(),
        online: z.boolean(),
        revoked: z.boolean(),
        /** Of the board, by its own word. */
        boardSerial: z.string().nullable(),
      }),
    )
    .min(1)
    .max(2),
  /** The earlier and the later of two live sessions: remote address, serial number of the certificate. */
  sessions: z.array(z.object({ source: z.string(), serial: z.string() })).max(2),
});
export type CloneView = z.infer<typeof CloneView>;

/** GET /devices/clones; of the last week, newest first, at most 100. Until one device is revoked; with one key, until both are. */
export const CloneList = z.object({ items: z.array(CloneView) });

/**
 * POST /renewals, over TLS with the certificate that is to be renewed, which may have expired: a
 * board that lay in a drawer for a year comes back by itself. The key stays, the old certificate
 * works on until it expires.
 */
export const RenewRequest = z.strictObject({
  /** PKCS #10, PEM, for the key of the certificate that is shown. */
  csr: z.string().max(8192),
});
export const RenewResponse = z.object({
  /** PEM, 45 days. */
  certificate: z.string(),
});
export type RenewResponse = z.infer<typeof RenewResponse>;
