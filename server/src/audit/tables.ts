/**
 * Who changed what, from where. Append-only: rows come only as part of the statement that changes, and
 * a trigger (in the migration) refuses every other change of a row but its sealing, once.
 */
import { sql } from 'drizzle-orm';
import { bigint, bigserial, index, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

export const auditEvents = pgTable(
  'audit_events',
  {
    id: bigserial({ mode: 'number' }).primaryKey(),
    at: timestamp({ withTimezone: true, mode: 'date' }).notNull(),
    /** `user:<name>`, `token:<name>`, `device:<id>` or `server`. */
    actor: text().notNull(),
    /** Remote address, null for the server itself. */
    source: text(),
    /** Dotted verb: `channel.moved`, `device.enrolled`, `release.published` … */
    action: text().notNull(),
    subject: text().notNull(),
    before: jsonb(),
    after: jsonb(),
    /** Its place in the chain; null until the sealer has been there. Unique, so that chains cannot fork. */
    seq: bigint({ mode: 'number' }).unique(),
    hash: text(),
    /** Over the head that this event is; on the last of each batch. */
    signature: text(),
  },
  (table) => [
    index().on(table.subject, table.id.desc()),
    index('audit_events_unsealed_index')
      .on(table.id)
      .where(sql`seq is null`),
    // What the dashboard warns of (identity/clones.ts).
    index('audit_events_clones_index')
      .on(table.at)
      .where(sql`action = 'device.cloned'`),
  ],
);
