/** SQL of the audit: lists, the chain in its order, and the one statement that seals a batch. */
import { CHAIN_START, type AuditEventView, type AuditHead } from '@wafer/protocol';
import { and, asc, desc, eq, gt, isNotNull, isNull, lt, sql, type SQL } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { isConflict, isDeadlock } from '../db/failures.ts';
import { jsonb } from '../db/values.ts';
import { auditEvents } from './tables.ts';

type Db = PostgresJsDatabase;
type Row = typeof auditEvents.$inferSelect;

const view = (row: Row): AuditEventView => ({ ...row, id: `${row.id}`, at: row.at.toISOString() });

export interface Filter {
  readonly target?: string | undefined;
  readonly actor?: string | undefined;
}

/** Newest first, older than the event `before`. */
export async function listEvents(
  db: Db,
  { target, actor }: Filter,
  before: number | undefined,
  limit: number,
): Promise<AuditEventView[]> {
  const wanted: SQL[] = [];
  if (before !== undefined) wanted.push(lt(auditEvents.id, before));
  if (target !== undefined) wanted.push(sql`starts_with(${auditEvents.subject}, ${target})`);
  if (actor !== undefined) wanted.push(sql`starts_with(${auditEvents.actor}, ${actor})`);
  const rows = await db
    .select()
    .from(auditEvents)
    .where(and(...wanted))
    .orderBy(desc(auditEvents.id))
    .limit(limit);
  return rows.map(view);
}

/** Sealed events behind `after`, in the chain's order. */
export async function readChain(db: Db, after: number, limit: number): Promise<AuditEventView[]> {
  const rows = await db
    .select()
    .from(auditEvents)
    .where(gt(auditEvents.seq, after))
    .orderBy(asc(auditEvents.seq))
    .limit(limit);
  return rows.map(view);
}

export async function readHead(db: Db): Promise<AuditHead> {
  const [row] = await db
    .select({ seq: auditEvents.seq, hash: auditEvents.hash })
    .from(auditEvents)
    .where(isNotNull(auditEvents.seq))
    .orderBy(desc(auditEvents.seq))
    .limit(1);
  return row?.seq == null || row.hash === null ? CHAIN_START : { seq: row.seq, hash: row.hash };
}

export async function hashAt(db: Db, seq: number): Promise<string | null> {
  const [row] = await db.select({ hash: auditEvents.hash }).from(auditEvents).where(eq(auditEvents.seq, seq));
  return row?.hash ?? null;
}

export async function readUnsealed(db: Db, limit: number): Promise<AuditEventView[]> {
  const rows = await db
    .select()
    .from(auditEvents)
    .where(isNull(auditEvents.seq))
    .orderBy(asc(auditEvents.id))
    .limit(limit);
  return rows.map(view);
}

export const countUnsealed = (db: Db): Promise<number> => db.$count(auditEvents, isNull(auditEvents.seq));

export interface Seal extends AuditHead {
  readonly id: string;
  readonly signature: string | null;
}

/**
 * Seals the whole batch if the chain still ends at `head`, or nothing of it: false when another server
 * was first. Rows are locked before anything is written, since an event that somebody else sealed
 * meanwhile would be passed over and leave a gap where it stood in this batch. Batches that have no
 * event in common meet at the unique `seq`.
 */
export async function sealBatch(db: Db, head: AuditHead, seals: readonly Seal[]): Promise<boolean> {
  try {
    const rows = await db.execute(sql`
      with s as materialized (
        select * from jsonb_to_recordset(${jsonb(seals)}) as s(id bigint, seq bigint, hash text, signature text)
      ), mine as materialized (
        select e.id from audit_events e
        where e.id in (select id from s) and e.seq is null order by e.id for update
      ), placed as (
        select s.* from s join mine on mine.id = s.id
        where (select count(*) from mine) = (select count(*) from s)
          and ${head.seq}::bigint = coalesce((select max(seq) from audit_events), 0)
        order by s.seq
      )
      update audit_events e set seq = p.seq, hash = p.hash, signature = p.signature
      from placed p where e.id = p.id
      returning e.id`);
    return rows.length === seals.length;
  } catch (error) {
    if (isConflict(error) || isDeadlock(error)) return false;
    throw error;
  }
}
