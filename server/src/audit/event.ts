/** The audit event as a part of the statement that makes the change. */
import { is, SQL, sql } from 'drizzle-orm';
import { instant, jsonb } from '../db/values.ts';

/** Who: an `Actor` of a request fits, and so do these. */
export interface AuditActor {
  /** `user:<name>`, `token:<name>`, `device:<id>` or `server`. */
  readonly audit: string;
  /** Remote address; null for the server itself. */
  readonly source: string | null;
}

export const SERVER_ACTOR: AuditActor = { audit: 'server', source: null };

export interface AuditEvent {
  readonly actor: AuditActor;
  /** ms since 1970. */
  readonly at: number;
  /** Dotted verb: `channel.moved`. */
  readonly action: string;
  /** What was changed; an SQL expression may name a column of `from`. */
  readonly subject: string | SQL;
  /** A value for JSON, or an SQL expression of type jsonb. */
  readonly before?: unknown;
  readonly after?: unknown;
}

const value = (given: unknown): SQL => (is(given, SQL) ? given : jsonb(given));

/**
 * `insert into audit_events …`, to stand in a CTE beside the change. With `from` (the name of the
 * CTE that changed something) there is one event for each of its rows, and so none when nobody
 * changed anything:
 *
 *     with changed as (update … returning …),
 *          audited as (${auditRow(event, sql`changed`)})
 *     select * from changed
 */
export function auditRow(event: AuditEvent, from?: SQL): SQL {
  const subject = is(event.subject, SQL) ? event.subject : sql`${event.subject}::text`;
  const row = sql`select ${instant(event.at)}, ${event.actor.audit}::text, ${event.actor.source}::text,
    ${event.action}::text, ${subject}, ${value(event.before)}, ${value(event.after)}`;
  const rows = from === undefined ? row : sql`${row} from ${from}`;
  return sql`insert into audit_events (at, actor, source, action, subject, before, after) ${rows}`;
}
