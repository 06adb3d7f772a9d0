/**
 * Brings the schema up to date before anything listens. Several servers may start at once: an
 * advisory lock lets one migrate, the others find it done. Drizzle's migrator holds a transaction,
 * so it has a client of its own that nothing else shares and that ends with it.
 */
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate as apply } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';

const MIGRATIONS = fileURLToPath(new URL('../../../migrations', import.meta.url));

/** Any number, the same in every server: "wafer" on a telephone's keys. */
const LOCK = 92_337;

/** Rejects with the driver's error when the database cannot be reached within `connectSeconds`. */
export async function migrate(url: string, { connectSeconds = 5 } = {}): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: connectSeconds, onnotice: () => undefined });
  try {
    await sql`select pg_advisory_lock(${LOCK})`;
    await apply(drizzle(sql), { migrationsFolder: MIGRATIONS });
    await sql`select pg_advisory_unlock(${LOCK})`;
  } finally {
    await sql.end({ timeout: 1 });
  }
}
