/** What every context is given; composed once in app.ts, so that tests can compose it too. */
import type { Clock } from '@wafer/protocol';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { FastifyBaseLogger } from 'fastify';
import type { Config } from './config.ts';
import type { Authority } from './identity/index.ts';
import type { LiveHub } from './live/index.ts';
import type { Bus } from './mqtt/bus.ts';
import type { OnlineSigners } from './releases/index.ts';
import type { Vault } from './secrets/index.ts';

export interface Deps {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: FastifyBaseLogger;
  readonly db: PostgresJsDatabase;
  readonly bus: Bus;
  readonly live: LiveHub;
  /** The CA: signs device certificates, knows who is revoked. */
  readonly authority: Authority;
  /** Snapshot, timestamp and director keys. */
  readonly signers: OnlineSigners;
  /** Keeps the values of secrets, and seals them to devices. */
  readonly vault: Vault;
}
