/** Values of secrets, locked with the vault's key. What devices get is in `assignments`, sealed to each. */
import type { AppName, SecretName } from '@wafer/protocol';
import { integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from '../db/columns.ts';
import type { Scope } from './secret.ts';

export const appSecrets = pgTable(
  'app_secrets',
  {
    app: text().$type<AppName>().notNull(),
    channel: text().$type<Scope>().notNull(),
    name: text().$type<SecretName>().notNull(),
    /** Of this value: a new one whenever it is set. Assignments name it. */
    id: uuid().notNull().unique(),
    /** As the vault locked it, base64. */
    locked: text().notNull(),
    /** Length of the value. */
    bytes: integer().notNull(),
    set: instant('set_at').notNull(),
    by: text('set_by').notNull(),
  },
  (table) => [primaryKey({ columns: [table.app, table.channel, table.name] })],
);
