/** A channel holds one current release for each app, with what was approved for it. */
import type { AppName, ChannelName } from '@wafer/protocol';
import { integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { approvedColumns, instant } from '../db/columns.ts';

export const channelApps = pgTable(
  'channel_apps',
  {
    channel: text().$type<ChannelName>().notNull(),
    app: text().$type<AppName>().notNull(),
    ...approvedColumns(),
    since: instant('since').notNull(),
    /** Grows with every move; the ETag, and what a conditional write names. */
    revision: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.channel, table.app] })],
);
