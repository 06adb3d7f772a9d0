/** What devices report. */
import type { AppName, DeviceId, HealthReport, LogLevel, ReportEvent } from '@wafer/protocol';
import { bytea, instant } from '../db/columns.ts';
import { bigint, bigserial, index, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';

/** The primary key is what makes a report that came twice count once. */
export const reports = pgTable(
  'reports',
  {
    device: text().$type<DeviceId>().notNull(),
    number: bigint({ mode: 'number' }).notNull(),
    event: jsonb().$type<ReportEvent>().notNull(),
    received: instant('received').notNull(),
  },
  (table) => [primaryKey({ columns: [table.device, table.number] })],
);

export const healthReports = pgTable(
  'health_reports',
  {
    device: text().$type<DeviceId>().notNull(),
    received: instant('received').notNull(),
    body: jsonb().$type<HealthReport>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.device, table.received] })],
);

export const logLines = pgTable(
  'log_lines',
  {
    id: bigserial({ mode: 'number' }).primaryKey(),
    device: text().$type<DeviceId>().notNull(),
    app: text().$type<AppName>().notNull(),
    at: instant('at').notNull(),
    level: text().$type<LogLevel>().notNull(),
    text: text().notNull(),
  },
  (table) => [index().on(table.device, table.id.desc())],
);

/** The last message on each topic that a guest published to. */
export const guestMessages = pgTable(
  'guest_messages',
  {
    device: text().$type<DeviceId>().notNull(),
    app: text().$type<AppName>().notNull(),
    topic: text().notNull(),
    payload: bytea().notNull(),
    at: instant('at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.device, table.app, table.topic] })],
);
