/** Who changed what, from where. Append-only: rows come only as part of the statement that changes. */
import { bigserial, index, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

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
  },
  (table) => [index().on(table.subject, table.id.desc())],
);
