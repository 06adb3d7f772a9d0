/**
 * People and their sessions, in the shape that better-auth's core schema asks for
 * (https://www.better-auth.com/docs/concepts/database#core-schema); property names are its field
 * names. `role` is ours.
 */
import type { Role } from '@wafer/protocol';
import { boolean, index, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { instant } from '../db/columns.ts';

const stamps = { createdAt: instant('created_at').notNull(), updatedAt: instant('updated_at').notNull() };

export const users = pgTable('users', {
  id: text().primaryKey(),
  name: text().notNull(),
  email: text().notNull().unique(),
  emailVerified: boolean('email_verified').notNull().default(false),
  image: text(),
  role: text().$type<Role>().notNull().default('viewer'),
  ...stamps,
});

const userId = () =>
  text('user_id')
    .notNull()
    .references(() => users.id, { onDelete: 'cascade' });

export const sessions = pgTable(
  'sessions',
  {
    id: text().primaryKey(),
    token: text().notNull().unique(),
    userId: userId(),
    expiresAt: instant('expires_at').notNull(),
    ipAddress: text('ip_address'),
    userAgent: text('user_agent'),
    ...stamps,
  },
  (table) => [index().on(table.userId)],
);

/** Ways to sign in that a person has: a password (scrypt), or an identity at the single sign-on. */
export const accounts = pgTable(
  'accounts',
  {
    id: text().primaryKey(),
    accountId: text('account_id').notNull(),
    providerId: text('provider_id').notNull(),
    userId: userId(),
    accessToken: text('access_token'),
    refreshToken: text('refresh_token'),
    idToken: text('id_token'),
    accessTokenExpiresAt: instant('access_token_expires_at'),
    refreshTokenExpiresAt: instant('refresh_token_expires_at'),
    scope: text(),
    password: text(),
    ...stamps,
  },
  (table) => [
    index().on(table.userId),
    uniqueIndex('accounts_identity').on(table.providerId, table.accountId),
  ],
);

/** Sign-in links that were not used yet; only a hash of each token. */
export const verifications = pgTable(
  'verifications',
  {
    id: text().primaryKey(),
    identifier: text().notNull(),
    value: text().notNull(),
    expiresAt: instant('expires_at').notNull(),
    ...stamps,
  },
  (table) => [index().on(table.identifier)],
);
