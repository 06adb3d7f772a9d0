/** Components, releases, and the TUF metadata that makes them genuine. */
import type { AppName, Digest, Grants, Version, World } from '@wafer/protocol';
import { integer, jsonb, pgTable, primaryKey, text, unique } from 'drizzle-orm/pg-core';
import { bytea, instant } from '../db/columns.ts';

/** One row a chunk of CHUNK_BYTES, compressed once when it is uploaded, served as it lies. */
export const blobChunks = pgTable(
  'blob_chunks',
  {
    digest: text().$type<Digest>().notNull(),
    index: integer().notNull(),
    encoding: text().$type<'identity' | 'zstd'>().notNull(),
    bytes: bytea().notNull(),
  },
  (table) => [primaryKey({ columns: [table.digest, table.index] })],
);

/** A blob exists once its row here does; the row and its chunks are one statement. */
export const blobs = pgTable('blobs', {
  digest: text().$type<Digest>().primaryKey(),
  length: integer().notNull(),
  chunks: integer().notNull(),
  uploaded: instant('uploaded').notNull(),
});

export const releases = pgTable(
  'releases',
  {
    app: text().$type<AppName>().notNull(),
    version: text().$type<Version>().notNull(),
    counter: integer().notNull(),
    digest: text().$type<Digest>().notNull(),
    length: integer().notNull(),
    world: text().$type<World>().notNull(),
    imports: text().array().notNull(),
    exports: text().array().notNull(),
    grants: jsonb().$type<Grants>().notNull(),
    memoryMiB: integer('memory_mib').notNull(),
    /** Key ids that signed the app's role when it was published. */
    signers: text().array().notNull(),
    published: instant('published').notNull(),
  },
  (table) => [primaryKey({ columns: [table.app, table.version] }), unique().on(table.app, table.counter)],
);

/**
 * Every version of every role, byte for byte as it was signed. The primary key is the lock: two
 * publishers who both made version N+1 collide here, and one of them reads again.
 */
export const tufMetadata = pgTable(
  'tuf_metadata',
  {
    role: text().notNull(),
    version: integer().notNull(),
    content: text().notNull(),
    expires: instant('expires').notNull(),
  },
  (table) => [primaryKey({ columns: [table.role, table.version] })],
);
