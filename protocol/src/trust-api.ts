/** What the API says and takes about who may sign what: GET /trust, POST /trust/metadata, POST /trust/online-keys. */
import { z } from 'zod';
import { AppName, Timestamp } from './ids.ts';
import { SignedMetadata } from './api.ts';

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
