/** Column types that Drizzle has under other names, or not at all, and columns that several tables have. */
import type { Grants, HealthRule, Isolation, Limits, Triggers, Version } from '@wafer/protocol';
import { customType, jsonb, text, timestamp } from 'drizzle-orm/pg-core';

/** A point in time, read as a `Date`. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/** Text in the order of its bytes, whatever the database's collation is. */
export const sortable = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' });

export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

/** What was approved for an app (`Approved`), wherever that is kept: on a channel, in a rollout, on one device. */
export const approvedColumns = () => ({
  version: text().$type<Version>().notNull(),
  grants: jsonb().$type<Grants>().notNull(),
  config: jsonb().$type<Record<string, string>>().notNull(),
  limits: jsonb().$type<Limits>().notNull(),
  triggers: jsonb().$type<Triggers>().notNull(),
  health: jsonb().$type<HealthRule>().notNull(),
  isolation: text().$type<Isolation>().notNull().default('shared'),
});
