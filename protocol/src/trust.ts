/** Trust in the HTTP API: signed metadata, who may sign what and until when, and the server's own keys. */
import { z } from 'zod';
import { AppName, Timestamp } from './ids.ts';
import { DirectorKeys } from './release.ts';

export const SignedMetadata = z.object({
  signed: z.record(z.string(), z.unknown()),
  signatures: z.array(z.object({ keyid: z.string(), sig: z.string() })),
});
export type SignedMetadata = z.infer<typeof SignedMetadata>;

/** Public halves of the keys that the server holds, for the publisher to sign into root and targets. */
export const OnlineKeys = z.object({
  /** ed25519 public keys, hexadecimal. */
  snapshot: z.string(),
  timestamp: z.string(),
  director: DirectorKeys,
  /** Successors that the server has made and that wait to be named by root and targets; hexadecimal. */
  next: z
    .object({
      snapshot: z.string().optional(),
      timestamp: z.string().optional(),
      director: z.string().optional(),
    })
    .optional(),
});
export type OnlineKeys = z.infer<typeof OnlineKeys>;

/** First root and first targets, signed offline. Refused when the server has a root already. */
export const InitTrust = z.strictObject({ root: SignedMetadata, targets: SignedMetadata });

export const TrustStatus = z.object({
  initialised: z.boolean(),
  /** Current version of each role; empty before initialisation. */
  versions: z.record(z.string(), z.number().int()),
  /** Expiry of each role's current metadata. */
  expires: z.record(z.string(), Timestamp),
});
export type TrustStatus = z.infer<typeof TrustStatus>;

/** GET /trust/roles/:role: the latest metadata of a role, as signed JSON text. */
export const RoleMetadata = z.object({ role: z.string(), version: z.number().int(), content: z.string() });
export type RoleMetadata = z.infer<typeof RoleMetadata>;

/**
 * POST /trust/metadata: next versions of offline metadata that bring no release: a root, the top-level
 * targets, roles of apps. Accepted whole or not at all.
 */
export const NextMetadata = z
  .strictObject({
    root: SignedMetadata.optional(),
    targets: SignedMetadata.optional(),
    /** App → the next version of its role. */
    roles: z.record(AppName, SignedMetadata).default({}),
  })
  .refine(
    ({ root, targets, roles }) =>
      root !== undefined || targets !== undefined || Object.keys(roles).length > 0,
    'send a root, targets or the role of an app',
  );

/** Days before its expiry from which a role is worth a warning. */
export const EXPIRY_WARNING_DAYS = 30;

/** A role of the offline chain or of the server, and who may sign it. */
export const TrustRoleView = z.object({
  role: z.string(),
  kind: z.enum(['offline', 'online', 'app']),
  /** Null for an app that was delegated to and has published nothing. */
  version: z.number().int().nullable(),
  expires: Timestamp.nullable(),
  /** Past its time, or EXPIRY_WARNING_DAYS from it; never `soon` for what the server renews itself. */
  expiry: z.enum(['fine', 'soon', 'expired']),
  threshold: z.number().int(),
  /** Key ids. */
  keys: z.array(z.string()),
});
export type TrustRoleView = z.infer<typeof TrustRoleView>;

export const OnlineKeyRole = z.enum(['snapshot', 'timestamp', 'director']);
export type OnlineKeyRole = z.infer<typeof OnlineKeyRole>;

/** GET /trust: everything about who may sign what, and until when. */
export const TrustView = z.object({
  initialised: z.boolean(),
  roles: z.array(TrustRoleView),
  /** Key ids that boards take orders from. */
  director: z.array(z.string()),
  /** The server's own keys, oldest first. */
  online: z.array(
    z.object({
      role: OnlineKeyRole,
      keyid: z.string(),
      made: Timestamp,
      state: z.enum(['waiting', 'signing', 'replaced']),
    }),
  ),
});
export type TrustView = z.infer<typeof TrustView>;

/** POST /trust/online-keys: makes successors, which sign once root and targets name them. */
export const RotateOnline = z.strictObject({ roles: z.array(OnlineKeyRole).min(1).max(3) });
