/**
 * The connection to Postgres. Every change is one statement: a backend that dies inside an
 * interactive transaction takes a process with postgres.js down, one that dies under a single
 * statement rejects it, and the pool connects again.
 */
import { parsePgArray } from 'drizzle-orm/pg-core';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';

export interface Database {
  readonly db: PostgresJsDatabase;
  /** Waits up to five seconds for statements under way. */
  close(): Promise<void>;
}

const CLOSE_SECONDS = 5;

/**
 * At each new connection the driver would ask for the array types, in a promise that nobody holds: a
 * backend that dies right then is an unhandled rejection, and the process ends. So that is off, and
 * the arrays that raw SQL returns are named here: text[], varchar[], uuid[].
 */
const ARRAYS = {
  to: 1009,
  from: [1009, 1015, 2951],
  parse: parsePgArray,
  serialize: (value: unknown) => value,
};

/** Seconds before the n-th attempt to connect; the driver's own rule grows to 20 s. */
const backoff = (attempt: number): number => Math.min(0.05 * 2 ** attempt, 1);

/** Connects on the first statement. `connections` is the most that are open at a time. */
export function openDatabase(url: string, { connections = 10 }: { connections?: number } = {}): Database {
  const sql = postgres(url, {
    max: connections,
    backoff,
    connect_timeout: 5,
    fetch_types: false,
    types: { arrays: ARRAYS },
    connection: { application_name: 'wafer' },
    onnotice: () => undefined,
  });
  return { db: drizzle(sql), close: () => sql.end({ timeout: CLOSE_SECONDS }) };
}
