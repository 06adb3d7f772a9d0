/** A channel holds one current release for each app, with what was approved for it. */
import type {
  AppName,
  ChannelName,
  Grants,
  HealthRule,
  Isolation,
  Limits,
  Triggers,
  Version,
} from '@wafer/protocol';
import { integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { instant } from '../db/columns.ts';

export const channelApps = pgTable(
  'channel_apps',
  {
    channel: text().$type<ChannelName>().notNull(),
    app: text().$type<AppName>().notNull(),
    version: text().$type<Version>().notNull(),
    grants: jsonb().$type<Grants>().notNull(),
    config: jsonb().$type<Record<string, string>>().notNull(),
    limits: jsonb().$type<Limits>().notNull(),
    triggers: jsonb().$type<Triggers>().notNull(),
    health: jsonb().$type<HealthRule>().notNull(),
    since: instant('since').notNull(),
    /** Grows with every move; the ETag, and what a conditional write names. */
    revision: integer().notNull(),
    isolation: text().$type<Isolation>().notNull().default('shared'),
  },
  (table) => [primaryKey({ columns: [table.channel, table.app] })],
);
