/** Answers to changes that came with an Idempotency-Key, for a day. */
import { integer, index, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from '../db/columns.ts';

export const answeredRequests = pgTable(
  'answered_requests',
  {
    /** Keyed hash of who asked and the Idempotency-Key, hexadecimal. */
    key: text().primaryKey(),
    /** Keyed hash of method, address and body. */
    request: text().notNull(),
    started: instant('started').notNull(),
    /** Null until it was answered. */
    status: integer(),
    /** The answer, locked: some hold a token that is stored nowhere else. */
    answer: text(),
  },
  (table) => [index().on(table.started)],
);
