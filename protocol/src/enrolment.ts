/** Claim tokens as their owners see them, and the renewal of a device's certificate. */
import { z } from 'zod';
import { ChannelName, Timestamp } from './ids.ts';

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
