/** Vitest's globalSetup: one embedded Postgres for the whole run, with one migrated template. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../src/db/embedded.ts';
import { migrate } from '../src/db/migrate.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the database `postgres`; tests make their own with `freshDatabase`. */
    postgresUrl: string;
  }
}

export const TEMPLATE = 'wafer_template';

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'wafer-test-'));
  await chmod(folder, 0o711);
  const server = await startEmbedded(join(folder, 'postgres'));
  const sql = postgres(server.url, { max: 1 });
  await sql.unsafe(`create database ${TEMPLATE}`);
  await sql.end();
  await migrate(server.url.replace(/\/postgres$/, `/${TEMPLATE}`));
  project.provide('postgresUrl', server.url);
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
