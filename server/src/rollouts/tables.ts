/** Who should run what (assignments), how it goes (executions), and whom to tell (outbox). */
import type {
  AppName,
  ChannelName,
  DeviceId,
  ExecutionId,
  ExecutionStage,
  ExecutionState,
  Fault,
  Grants,
  HealthRule,
  Isolation,
  Limits,
  SwapFigures,
  Triggers,
  Version,
} from '@wafer/protocol';
import { bigserial, index, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from '../db/columns.ts';

/** The desired state, one row an app on a device; what the director signs is made from these rows. */
export const assignments = pgTable(
  'assignments',
  {
    device: text().$type<DeviceId>().notNull(),
    app: text().$type<AppName>().notNull(),
    channel: text().$type<ChannelName>().notNull(),
    version: text().$type<Version>().notNull(),
    execution: uuid().$type<ExecutionId>().notNull(),
    grants: jsonb().$type<Grants>().notNull(),
    config: jsonb().$type<Record<string, string>>().notNull(),
    limits: jsonb().$type<Limits>().notNull(),
    triggers: jsonb().$type<Triggers>().notNull(),
    health: jsonb().$type<HealthRule>().notNull(),
    isolation: text().$type<Isolation>().notNull().default('shared'),
    /** Granted secrets that are set: name → id of the value (secrets/). */
    secrets: jsonb().$type<Record<string, string>>().notNull().default({}),
    /** The device's key that their values are sealed to; null when there are none, or no key is known. */
    recipient: text(),
    /** name → sealed value. Null until it is sealed; made once, since sealing again gives another text. */
    sealed: jsonb().$type<Record<string, string>>(),
  },
  (table) => [primaryKey({ columns: [table.device, table.app] })],
);

export const executions = pgTable(
  'executions',
  {
    id: uuid().$type<ExecutionId>().primaryKey(),
    device: text().$type<DeviceId>().notNull(),
    app: text().$type<AppName>().notNull(),
    version: text().$type<Version>().notNull(),
    state: text().$type<ExecutionState>().notNull(),
    stage: text().$type<ExecutionStage>(),
    fault: jsonb().$type<Fault>(),
    swap: jsonb().$type<SwapFigures>(),
    runningVersion: text('running_version').$type<Version>(),
    created: instant('created').notNull(),
    updated: instant('updated').notNull(),
  },
  (table) => [index().on(table.device, table.app, table.created.desc()), index().on(table.state)],
);

/** Devices whose desired state changed and was not yet sent. At-least-once; sending twice is harmless. */
export const outbox = pgTable('outbox', {
  id: bigserial({ mode: 'number' }).primaryKey(),
  device: text().$type<DeviceId>().notNull(),
  created: instant('created').notNull(),
});
