/** The Postgres of a fleet under measurement, looked at from beside: what was written, and what is in it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { cpuMsOf } from './processes.ts';

export interface Written {
  /** Rows that were inserted, updated or deleted. */
  readonly rows: number;
  /** Of the write-ahead log. */
  readonly bytes: number;
}

export class Database {
  readonly sql: Sql;
  readonly url: string;
  readonly #pid: number;

  /** `data` is the server's data folder, in which Postgres runs. */
  constructor(data: string) {
    const [pid, , , port] = readFileSync(join(data, 'postgres/cluster/postmaster.pid'), 'utf8').split('\n');
    const password = readFileSync(join(data, 'postgres/password'), 'utf8').trim();
    this.url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
    this.#pid = Number(pid);
    this.sql = postgres(this.url, { max: 2, onnotice: () => undefined });
  }

  get cpuMs(): number {
    return cpuMsOf(this.#pid);
  }

  /** Postgres counts a statement's rows a moment after it; so this waits that moment. */
  async written(): Promise<Written> {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const [row] = await this.sql<{ rows: string; bytes: string }[]>`
      select (select sum(tup_inserted + tup_updated + tup_deleted) from pg_stat_database) as rows,
        pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as bytes`;
    return { rows: Number(row?.rows), bytes: Number(row?.bytes) };
  }

  close(): Promise<void> {
    return this.sql.end();
  }
}
