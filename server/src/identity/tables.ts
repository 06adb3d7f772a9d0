/** Claim tokens, device certificates, API tokens. The tables of people are in people-tables.ts. */
import type { ChannelName, DeviceId, Role } from '@wafer/protocol';
import { index, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from '../db/columns.ts';
import { users } from './people-tables.ts';

/** Only a hash of the secret is kept. A use is taken by one conditional UPDATE. */
export const claims = pgTable('claims', {
  id: uuid().primaryKey(),
  /** For people. */
  name: text(),
  /** SHA-256 of the secret, hexadecimal. */
  secretHash: text('secret_hash').notNull().unique(),
  usesLeft: integer('uses_left').notNull(),
  expires: instant('expires').notNull(),
  created: instant('created').notNull(),
  channels: text().array().$type<ChannelName[]>().notNull().default([]),
  group: text('group_name'),
  tags: jsonb().$type<Record<string, string>>().notNull().default({}),
  revoked: instant('revoked'),
  /** As audit events name whoever made it; null for those of before it was kept. */
  madeBy: text('made_by'),
});

export const certificates = pgTable(
  'certificates',
  {
    /** Serial number, hexadecimal. */
    serial: text().primaryKey(),
    device: text().$type<DeviceId>().notNull(),
    issued: instant('issued').notNull(),
    expires: instant('expires').notNull(),
    revoked: instant('revoked'),
    /** Its public key, as secrets are sealed to it; null for those of before there were secrets. */
    sealingKey: text('sealing_key'),
  },
  (table) => [index().on(table.device), index().on(table.sealingKey)],
);

/** Only a hash of the token is kept; it is 256 random bits, so a plain SHA-256 is enough. */
export const apiTokens = pgTable(
  'api_tokens',
  {
    id: uuid().primaryKey(),
    name: text().notNull(),
    role: text().$type<Role>().notNull(),
    /** The person who made it, with a session or a token; null: the machine's. */
    owner: text().references(() => users.id, { onDelete: 'cascade' }),
    /** SHA-256 of the token, hexadecimal. */
    hash: text().notNull().unique(),
    created: instant('created').notNull(),
    lastUsed: instant('last_used'),
    /** Null: until it is deleted. */
    expires: instant('expires'),
    /** Null: whatever the role may. */
    scopes: text().array(),
  },
  (table) => [index().on(table.owner)],
);

/** Attempts to sign in with a password, of a person or from an address, in a window that began at `since`. */
export const signInAttempts = pgTable('sign_in_attempts', {
  /** Kind and SHA-256 of the address, hexadecimal: what strangers type is not kept. */
  key: text().primaryKey(),
  count: integer().notNull(),
  since: instant('since').notNull(),
});
