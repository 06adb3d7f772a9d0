/** A device, its timeline, and what it says that it runs. */
import type {
  DeviceId,
  Digest,
  AppName,
  AppState,
  ChannelName,
  Hello,
  SelfTest,
  Version,
} from '@wafer/protocol';
import type { DeviceEvent } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { instant, sortable } from '../db/columns.ts';
import {
  bigint,
  bigserial,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
} from 'drizzle-orm/pg-core';

export const devices = pgTable(
  'devices',
  {
    id: text().$type<DeviceId>().primaryKey(),
    name: text().notNull(),
    arch: text().notNull(),
    group: text('group_name'),
    tags: jsonb().$type<Record<string, string>>().notNull().default({}),
    /** In order: the first channel that holds an app wins. */
    channels: text().array().$type<ChannelName[]>().notNull().default([]),
    online: boolean().notNull().default(false),
    lastSeen: instant('last_seen'),
    enrolled: instant('enrolled').notNull(),
    revoked: instant('revoked'),
    /** From the last hello. */
    inventory: jsonb().$type<Hello>(),
    /** How the board did when its agent tested it, by the last hello. */
    selfTest: jsonb('self_test')
      .$type<SelfTest>()
      .generatedAlwaysAs(sql`inventory->'selfTest'`),
    /** Version of the desired state; grows by one in every statement that changes it. */
    desiredVersion: integer('desired_version').notNull().default(0),
    /** Highest report number up to which all are in `reports`. */
    ackedReport: bigint('acked_report', { mode: 'number' }).notNull().default(0),
    /** Of the agent's version, in its order. */
    agentKey: sortable('agent_key').generatedAlwaysAs(sql`version_key(inventory->>'agent')`),
  },
  (table) => [
    index().on(table.online),
    index().using('gin', table.channels),
    index().using('gin', table.tags),
    index().on(table.group),
    index().on(table.arch),
    index().on(table.agentKey),
    index('devices_self_test_failed')
      .on(table.id)
      .where(sql`self_test->'passed' = 'false'`),
    // Boards that share one are clones of each other (identity/twins.ts).
    index('devices_serial_index').on(sql`(inventory->>'serial')`),
  ],
);

/** What runs on a device by its own last word. */
export const deviceApps = pgTable(
  'device_apps',
  {
    device: text()
      .$type<DeviceId>()
      .notNull()
      .references(() => devices.id, { onDelete: 'cascade' }),
    app: text().$type<AppName>().notNull(),
    version: text().$type<Version>().notNull(),
    digest: text().$type<Digest>().notNull(),
    state: text().$type<AppState>().notNull(),
    at: instant('at').notNull(),
    /** Of its version, in the order of SemVer. */
    versionKey: sortable('version_key').generatedAlwaysAs(sql`version_key(version)`),
  },
  (table) => [
    primaryKey({ columns: [table.device, table.app] }),
    index().on(table.app, table.versionKey, table.device),
    index('device_apps_failed')
      .on(table.device)
      .where(sql`state = 'failed'`),
  ],
);

/** The timeline of a device; written by the statement that makes the change. */
export const deviceEvents = pgTable(
  'device_events',
  {
    id: bigserial({ mode: 'number' }).primaryKey(),
    device: text()
      .$type<DeviceId>()
      .notNull()
      .references(() => devices.id, { onDelete: 'cascade' }),
    at: instant('at').notNull(),
    kind: text().$type<DeviceEvent['kind']>().notNull(),
    app: text().$type<AppName>(),
    version: text().$type<Version>(),
    state: text().$type<NonNullable<DeviceEvent['state']>>(),
    fault: jsonb().$type<NonNullable<DeviceEvent['fault']>>(),
    text: text().notNull(),
  },
  (table) => [index().on(table.device, table.id.desc())],
);
