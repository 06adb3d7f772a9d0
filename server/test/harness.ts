/** What tests of the server share. Run them from the root of the repository: `npx vitest run server`. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@wafer/protocol';
import type { SQL } from 'drizzle-orm';
import { pino } from 'pino';
import postgres from 'postgres';
import { inject, onTestFinished } from 'vitest';
import { openDatabase, type Database } from '../src/db/client.ts';
import { isUnavailable } from '../src/db/failures.ts';
import { parseConfig, type Config } from '../src/config.ts';
import { TEMPLATE } from './postgres.ts';

export interface TestDatabase extends Database {
  readonly url: string;
}

/** A database of its own with every migration applied. Close it in `afterAll`. */
export async function freshDatabase(): Promise<TestDatabase> {
  const server = inject('postgresUrl') as string | undefined;
  if (server === undefined) throw new Error('no Postgres: run Vitest from the root of the repository');
  const name = `t_${randomBytes(8).toString('hex')}`;
  const admin = postgres(server, { max: 1, onnotice: () => undefined });
  // Postgres copies a template only while nobody else does; several test files start at once.
  await admin`select pg_advisory_lock(7)`;
  await admin.unsafe(`create database ${name} template ${TEMPLATE}`);
  await admin.end();
  const url = server.replace(/\/postgres$/, `/${name}`);
  const database = openDatabase(url, { connections: 5 });
  return {
    url,
    db: database.db,
    async close() {
      await database.close();
      const last = postgres(server, { max: 1, onnotice: () => undefined });
      await last.unsafe(`drop database if exists ${name} with (force)`);
      await last.end();
    },
  };
}

/** A folder that goes with the test, or that the caller removes when it is called in a hook. */
/** More connections than a pool has, so that a healthy one must come. */
const MORE_THAN_POOL = 20;

/** Reads what is stored. A test that kills backends leaves dead connections in the pool: they are passed over. */
export async function readStored<T>(db: Database['db'], query: SQL): Promise<T[]> {
  for (let dead = 0; ; dead += 1) {
    try {
      return [...(await db.execute(query))] as T[];
    } catch (error) {
      if (!isUnavailable(error) || dead === MORE_THAN_POOL) throw error;
    }
  }
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wafer-test-'));
  await chmod(folder, 0o711);
  return folder;
}

/** Removed when the running test ends. */
export async function folderForTest(): Promise<string> {
  const folder = await temporaryFolder();
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export const testConfig = (dataFolder: string, more: Partial<Config> = {}): Config => ({
  ...parseConfig({
    WAFER_DATA: dataFolder,
    WAFER_API_PORT: '0',
    WAFER_MQTT_PORT: '0',
    WAFER_HTTP_PORT: '0',
    WAFER_LOG_LEVEL: 'silent',
  }),
  ...more,
});

export interface TestClock extends Clock {
  advance(ms: number): void;
  /** To that instant, ms since 1970; also back. */
  set(ms: number): void;
}

/** Stands still until it is advanced. */
export function testClock(start = Date.now()): TestClock {
  let at = start;
  return { now: () => at, advance: (ms) => void (at += ms), set: (ms) => void (at = ms) };
}

export const quietLog = pino({ level: 'silent' });
