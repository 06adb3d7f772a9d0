/** Enrolment in the HTTP API: claim tokens, a board's first certificate, and the ones that follow it. */
import { z } from 'zod';
import { ChannelName, DeviceId, Timestamp } from './ids.ts';

/** `wafer1.<SHA-256 of the CA's DER certificate, base64url>.<secret, base64url>`. */
export const ClaimToken = z
  .string()
  .regex(/^wafer1\.[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/, 'a claim token looks like wafer1.….…');

export const CreateClaim = z.strictObject({
  uses: z.number().int().min(1).max(10_000).default(1),
  expiresInSeconds: z.number().int().min(1).max(31_536_000).default(86_400),
  channels: z.array(ChannelName).max(16).default([]),
  group: z.string().max(100).optional(),
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
  usesLeft: z.number().int(),
  created: Timestamp,
  expires: Timestamp,
  revoked: Timestamp.nullable(),
  channels: z.array(ChannelName),
  group: z.string().nullable(),
  tags: z.record(z.string(), z.string()),
});
export type ClaimView = z.infer<typeof ClaimView>;

/** GET /claim-tokens; newest first, at most 200, those that still work before those that do not. */
export const ClaimList = z.object({ items: z.array(ClaimView) });

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
