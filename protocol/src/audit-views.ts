/** The audit in the HTTP API. How events are chained is in audit.ts, which a browser need not load. */
import { z } from 'zod';
import { Timestamp } from './ids.ts';
import { page, PageQuery } from './page.ts';

export const AuditEventView = z.object({
  id: z.string(),
  at: Timestamp,
  /** `user:<name>`, `token:<name>`, `device:<id>` or `server`. */
  actor: z.string(),
  /** Remote address; null for the server itself. */
  source: z.string().nullable(),
  /** Dotted verb, such as `channel.moved`. */
  action: z.string(),
  subject: z.string(),
  before: z.unknown(),
  after: z.unknown(),
  /** Its place in the chain (audit.ts); null until it is sealed, within a second or two. */
  seq: z.number().int().nullable(),
  hash: z.string().nullable(),
  /** On the last event of each batch that was sealed. */
  signature: z.string().nullable(),
});
export type AuditEventView = z.infer<typeof AuditEventView>;

/** Newest first. */
export const AuditEventList = page(AuditEventView);
export type AuditEventList = z.infer<typeof AuditEventList>;

/** `target` and `actor` match from their beginning: `channel:stable` finds `channel:stable/thermo`. */
export const AuditQuery = PageQuery.extend({
  target: z.string().max(200).optional(),
  actor: z.string().max(200).optional(),
});

/** A place in the chain of sealed events. */
export const AuditHead = z.object({ seq: z.number().int().min(0), hash: z.string().regex(/^[0-9a-f]{64}$/) });
export type AuditHead = z.infer<typeof AuditHead>;

/** GET /audit/chain: sealed events, oldest first, those after `after`. */
export const AuditChainQuery = z.object({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(500),
});
export const AuditChain = z.object({ items: z.array(AuditEventView) });

export const AuditStatus = z.object({
  /** The last sealed event; null while there is none. */
  head: AuditHead.nullable(),
  /** The last head that the server wrote down outside the database: the chain must hold it. */
  anchor: AuditHead.nullable(),
  /** Events that wait for the sealer. */
  unsealed: z.number().int(),
  /** Ed25519 key that signs heads, hexadecimal. */
  key: z.string().regex(/^[0-9a-f]{64}$/),
});
export type AuditStatus = z.infer<typeof AuditStatus>;

/** GET /audit/verification: the chain, followed by the server itself. */
export const AuditVerification = z.object({
  at: Timestamp,
  head: AuditHead,
  unsealed: z.number().int(),
  broken: z.object({ seq: z.number().int(), event: z.string().nullable(), reason: z.string() }).nullable(),
});
export type AuditVerification = z.infer<typeof AuditVerification>;
