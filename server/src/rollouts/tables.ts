/**
 * Who should run what (assignments), how it goes (executions), whom to tell (outbox), and the rollouts
 * that bring devices from one release to another (rollouts, their targets, their members).
 */
import type {
  AppName,
  Approved,
  ChannelName,
  CreateRollout,
  DeviceId,
  ExecutionId,
  ExecutionStage,
  ExecutionState,
  Fault,
  RolloutId,
  RolloutState,
  SwapFigures,
  Version,
  WaveProgress,
} from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import {
  bigserial,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { approvedColumns, instant } from '../db/columns.ts';

/** The desired state, one row an app on a device; what the director signs is made from these rows. */
export const assignments = pgTable(
  'assignments',
  {
    device: text().$type<DeviceId>().notNull(),
    app: text().$type<AppName>().notNull(),
    channel: text().$type<ChannelName>().notNull(),
    ...approvedColumns(),
    execution: uuid().$type<ExecutionId>().notNull(),
    /** Granted secrets that are set: name → id of the value (secrets/). */
    secrets: jsonb().$type<Record<string, string>>().notNull().default({}),
    /** The device's key that their values are sealed to; null when there are none, or no key is known. */
    recipient: text(),
    /** name → sealed value. Null until it is sealed; made once, since sealing again gives another text. */
    sealed: jsonb().$type<Record<string, string>>(),
    /** The rollout that brought it; null for what the channel brought. */
    rollout: uuid().$type<RolloutId>(),
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
    /** The rollout that asked for it; null for what the channel asks for. */
    rollout: uuid().$type<RolloutId>(),
  },
  (table) => [
    index().on(table.device, table.app, table.created.desc()),
    index().on(table.app, table.created.desc()),
    index().on(table.state),
  ],
);

/** Devices whose desired state changed and was not yet sent. At-least-once; sending twice is harmless. */
export const outbox = pgTable('outbox', {
  id: bigserial({ mode: 'number' }).primaryKey(),
  device: text().$type<DeviceId>().notNull(),
  created: instant('created').notNull(),
});

export const rollouts = pgTable(
  'rollouts',
  {
    id: uuid().$type<RolloutId>().primaryKey(),
    number: bigserial({ mode: 'number' }).notNull(),
    name: text().notNull(),
    channel: text().$type<ChannelName>().notNull(),
    state: text().$type<RolloutState>().notNull(),
    /** Why it is in that state, for people. */
    reason: text(),
    /** As it was ordered. */
    spec: jsonb().$type<CreateRollout>().notNull(),
    waves: jsonb().$type<WaveProgress[]>().notNull(),
    /** Of what the preview showed. */
    fingerprint: text().notNull(),
    created: instant('created').notNull(),
    createdBy: text('created_by').notNull(),
    /** Id of the person, also where a token of theirs asked; null for a token of the machine. */
    creator: text(),
    /** Who let it widen what releases may do; null when nobody had to. */
    approvedBy: text('approved_by'),
    /** The rollout whose releases it takes back. */
    reverts: uuid().$type<RolloutId>(),
    updated: instant('updated').notNull(),
    /** Grows with everything that happens to it or to its members; what every write names. */
    revision: integer().notNull(),
  },
  (table) => [uniqueIndex().on(table.number), index().on(table.state)],
);

/** What members are brought to: as a row of channel_apps, one an app. */
export const rolloutTargets = pgTable(
  'rollout_targets',
  {
    rollout: uuid().$type<RolloutId>().notNull(),
    channel: text().$type<ChannelName>().notNull(),
    app: text().$type<AppName>().notNull(),
    ...approvedColumns(),
    /** Revision of the channel's app that it was made on, 0 for none. It holds as long as that is current. */
    baseRevision: integer('base_revision').notNull(),
    /** What that was, so that it can be brought back; null for none. */
    base: jsonb().$type<Approved>(),
    /** What the release may do that the one before might not, in words; and the other way round. */
    gains: text().array().notNull(),
    loses: text().array().notNull(),
    /** Between its start and its end: one rollout at a time moves an app on a channel. */
    active: boolean().notNull().default(false),
  },
  (table) => [
    primaryKey({ columns: [table.rollout, table.app] }),
    uniqueIndex('rollout_targets_active')
      .on(table.channel, table.app)
      .where(sql`active`),
  ],
);

export const rolloutMembers = pgTable(
  'rollout_members',
  {
    rollout: uuid().$type<RolloutId>().notNull(),
    device: text().$type<DeviceId>().notNull(),
    wave: integer().notNull(),
    /** From 1, over all waves: the order in which they are started. */
    position: integer().notNull(),
    /** QUEUED until it is started; then IN_PROGRESS until what its executions became is taken over, once. */
    state: text().$type<ExecutionState>().notNull(),
    /** Of a failure: its fault kind, or the state that it ended in. Of one that was withdrawn: why, if that is known. */
    cause: text(),
    /** The device's own, for windows; IANA name. */
    timeZone: text('time_zone').notNull(),
    /** The targets count for the device in place of what its channel holds. */
    holds: boolean().notNull().default(false),
    updated: instant('updated').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.rollout, table.device] }),
    index().on(table.rollout, table.wave, table.state, table.position),
    index('rollout_members_holding')
      .on(table.device)
      .where(sql`holds`),
  ],
);

/** A release of its own for an app on one device, which counts before its channels and any rollout. */
export const pins = pgTable(
  'pins',
  {
    device: text().$type<DeviceId>().notNull(),
    app: text().$type<AppName>().notNull(),
    /** That the app came by when it was pinned; owners' policies name channels. */
    channel: text().$type<ChannelName>().notNull(),
    ...approvedColumns(),
    at: instant('at').notNull(),
    by: text('by').notNull(),
    reason: text(),
    /** Grows with every change; what a conditional write names. */
    revision: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.device, table.app] }), index().on(table.app)],
);

/** Devices that failed again and again, and that no rollout starts until then. */
export const deviceRests = pgTable('device_rests', {
  device: text().$type<DeviceId>().primaryKey(),
  until: instant('until').notNull(),
  /** How it came to that, for people. */
  why: text().notNull(),
});
