/** Groups by name. Who is in a static one stands with the device (`devices.group_name`). */
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from '../db/columns.ts';

export const groups = pgTable('groups', {
  name: text().primaryKey(),
  kind: text().$type<'static' | 'dynamic'>().notNull(),
  /** As `printQuery` writes it; null for a static group. */
  query: text(),
  description: text().notNull(),
  created: instant('created').notNull(),
  createdBy: text('created_by').notNull(),
  updated: instant('updated').notNull(),
  revision: integer().notNull(),
});
