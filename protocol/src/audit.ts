/**
 * The chain of audit events. Each sealed event has a number (`seq`, from 1, without gaps) and
 *
 *     hash = SHA-256 of the canonical JSON of { prev, seq, id, at, actor, source, action, subject, before, after }
 *
 * with `prev` the hash of the one before (64 zeros for the first). The last event of each batch carries
 * an ed25519 signature of the server's audit key over the canonical JSON of { _type, seq, hash }, so
 * whoever can write the database, and only that, can neither change an event nor hash anew what follows.
 * Server and CLI check with the same functions.
 */
import { createHash } from 'node:crypto';
import type { AuditEventView, AuditHead } from './audit-views.ts';
import { canonicalBytes, isSignedBy, keyId } from './signed.ts';

/** Before the first event. */
export const CHAIN_START: AuditHead = { seq: 0, hash: '0'.repeat(64) };

export type ChainedEvent = Omit<AuditEventView, 'seq' | 'hash' | 'signature'>;

export interface ChainBreak {
  /** The first number that cannot be vouched for. */
  readonly seq: number;
  /** The event there; null when it is the absence of one. */
  readonly event: string | null;
  readonly reason: string;
}

/** Canonical JSON has no fractions, and what was changed may hold some. */
function withoutFractions(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isInteger(value)) return { $number: JSON.stringify(value) };
  if (Array.isArray(value)) return value.map(withoutFractions);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutFractions(each)]));
}

/** Hexadecimal hash of `event` as the one behind `head`. */
export function chainHash(head: AuditHead, event: ChainedEvent): string {
  const { id, at, actor, source, action, subject, before, after } = event;
  const said = {
    prev: head.hash,
    seq: head.seq + 1,
    id,
    at,
    actor,
    source,
    action,
    subject,
    before: withoutFractions(before ?? null),
    after: withoutFractions(after ?? null),
  };
  return createHash('sha256').update(canonicalBytes(said)).digest('hex');
}

/** What the signature of a head covers. */
export const headDocument = ({ seq, hash }: AuditHead) => ({ _type: 'wafer-audit-head', seq, hash });

const isHeadSigned = (head: AuditHead, signature: string, key: string): boolean =>
  isSignedBy(headDocument(head), [{ keyid: keyId(key), sig: signature }], { [keyId(key)]: key });

/** One step along the chain: the new head, or where and why it breaks. `key` is the audit key in hex. */
export function followChain(
  head: AuditHead,
  event: AuditEventView,
  key: string,
): { head: AuditHead } | { broken: ChainBreak } {
  const seq = head.seq + 1;
  const broken = (reason: string, id: string | null = event.id) => ({ broken: { seq, event: id, reason } });
  if (event.seq !== seq)
    return broken(`event ${seq} is missing: ${event.seq ?? 'none'} follows ${head.seq}`, null);
  const hash = chainHash(head, event);
  if (event.hash !== hash) return broken('its content, or that of the one before, is not what was hashed');
  const next = { seq, hash };
  if (event.signature !== null && !isHeadSigned(next, event.signature, key))
    return broken('the signature over it is not the server’s');
  return { head: next };
}
