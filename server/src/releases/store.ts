/** SQL of this context. Every change is one statement; a primary key that is taken means: read again. */
import { and, asc, desc, eq, sql, type SQL } from 'drizzle-orm';
import type { AppName, Digest, MetadataName, Version } from '@wafer/protocol';
import type { Chunk } from '@wafer/protocol/chunk';
import type { Deps } from '../deps.ts';
import { isConflict } from '../db/failures.ts';
import { instant, jsonb, textArray } from '../db/values.ts';
import type { Blob } from './blob.ts';
import { readDoc, type Doc, type Kind } from './metadata.ts';
import type { Online } from './online.ts';
import { blobChunks, blobs, releases, tufMetadata } from './tables.ts';

type Db = Deps['db'];
export type ReleaseRow = typeof releases.$inferSelect;

// Metadata ----------------------------------------------------------------------------------------

export interface Trust extends Online {
  readonly root: Doc<'root'>;
  readonly targets: Doc<'targets'>;
  /** Current metadata of the apps that were asked for, as far as they have any. */
  readonly roles: readonly Doc<'targets'>[];
}

const TOP_LEVEL = ['root', 'targets', 'snapshot', 'timestamp'];

/** The current metadata, of one instant; undefined before trust was initialised. */
export async function readTrust(db: Db, apps: readonly AppName[] | 'all'): Promise<Trust | undefined> {
  const rows = await db
    .selectDistinctOn([tufMetadata.role], { role: tufMetadata.role, content: tufMetadata.content })
    .from(tufMetadata)
    .where(apps === 'all' ? sql`true` : sql`${tufMetadata.role} = any(${textArray([...TOP_LEVEL, ...apps])})`)
    .orderBy(asc(tufMetadata.role), desc(tufMetadata.version));
  const texts = new Map(rows.map(({ role, content }) => [role, content]));
  const top = <K extends Kind>(kind: K): Doc<K> => readDoc(kind, kind, texts.get(kind) ?? '');
  if (!texts.has('root')) return undefined;
  return {
    root: top('root'),
    targets: top('targets'),
    snapshot: top('snapshot'),
    timestamp: top('timestamp'),
    roles: rows
      .filter(({ role }) => !TOP_LEVEL.includes(role))
      .map(({ role, content }) => readDoc('targets', role, content)),
  };
}

export interface StoredText {
  readonly role: string;
  readonly version: number;
  readonly content: string;
}

/** The latest metadata of a role as it was signed. */
export async function latestText(db: Db, role: string): Promise<StoredText | undefined> {
  const [row] = await db
    .select({ role: tufMetadata.role, version: tufMetadata.version, content: tufMetadata.content })
    .from(tufMetadata)
    .where(eq(tufMetadata.role, role))
    .orderBy(desc(tufMetadata.version))
    .limit(1);
  return row;
}

/** Metadata by the name that TUF gives it (clause 6.2, consistent snapshots). */
export async function namedText(db: Db, name: MetadataName): Promise<string | undefined> {
  if (name === 'timestamp.json') return (await latestText(db, 'timestamp'))?.content;
  const [version, role] = name.split('.') as [string, string];
  if (Number(version) > 0x7fff_ffff) return undefined;
  const [row] = await db
    .select({ content: tufMetadata.content })
    .from(tufMetadata)
    .where(and(eq(tufMetadata.role, role), eq(tufMetadata.version, Number(version))));
  return row?.content;
}

/**
 * Stores new metadata, and whatever comes with it, in one statement. False when somebody else took
 * one of the versions first; then nothing was stored. Whoever changes what is trusted makes a new
 * snapshot and timestamp, so the keys of those two rows order all such changes. `ctes` are whole:
 * `name as (…)`.
 */
export async function storeMetadata(db: Db, docs: readonly Doc<Kind>[], ...ctes: SQL[]): Promise<boolean> {
  const rows = JSON.stringify(
    docs.map(({ role, version, text, expires }) => ({ role, version, content: text, expires })),
  );
  try {
    await db.execute(sql`
      with docs as (
        insert into tuf_metadata (role, version, content, expires)
        select role, version, content, expires from json_to_recordset(${rows}::json)
          as doc(role text, version integer, content text, expires timestamptz)
      ), ${sql.join(ctes, sql`, `)}
      select 1`);
    return true;
  } catch (error) {
    if (isConflict(error)) return false;
    throw error;
  }
}

/** CTE `release`. */
export const insertRelease = (row: ReleaseRow): SQL => sql`
  release as (
    insert into releases
      (app, version, counter, digest, length, world, imports, exports, grants, memory_mib, signers, published)
    values (${row.app}, ${row.version}, ${row.counter}, ${row.digest}, ${row.length}, ${row.world},
      ${textArray(row.imports)}, ${textArray(row.exports)}, ${jsonb(row.grants)}, ${row.memoryMiB},
      ${textArray(row.signers)}, ${instant(row.published.getTime())})
  )`;

// Blobs -------------------------------------------------------------------------------------------

/** CTEs `blob` and `chunks`; both do nothing when the blob is there already. */
export function insertBlob({ digest, length, chunks }: Blob, at: number): SQL {
  let offset = 0;
  const places = chunks.map(({ encoding, bytes }, index) => {
    const place = { index, encoding, offset, length: bytes.length };
    offset += bytes.length;
    return place;
  });
  return sql`
    blob as (
      insert into blobs (digest, length, chunks, uploaded)
      values (${digest}, ${length}, ${chunks.length}, ${instant(at)})
      on conflict do nothing returning digest
    ), chunks as (
      insert into blob_chunks (digest, index, encoding, bytes)
      select blob.digest, place.index, place.encoding, substring(whole.bytes from place.offset + 1 for place.length)
      from blob,
        (select ${Buffer.concat(chunks.map(({ bytes }) => bytes))}::bytea as bytes) as whole,
        json_to_recordset(${JSON.stringify(places)}::json)
          as place(index integer, encoding text, "offset" integer, length integer)
    )`;
}

export async function blobLength(db: Db, digest: Digest): Promise<number | undefined> {
  const [row] = await db.select({ length: blobs.length }).from(blobs).where(eq(blobs.digest, digest));
  return row?.length;
}

export async function readChunks(db: Db, digest: Digest): Promise<Chunk[]> {
  return db
    .select({ encoding: blobChunks.encoding, bytes: blobChunks.bytes })
    .from(blobChunks)
    .where(eq(blobChunks.digest, digest))
    .orderBy(asc(blobChunks.index));
}

export async function readChunk(db: Db, digest: Digest, index: number): Promise<Chunk | undefined> {
  const [row] = await db
    .select({ encoding: blobChunks.encoding, bytes: blobChunks.bytes })
    .from(blobChunks)
    .where(and(eq(blobChunks.digest, digest), eq(blobChunks.index, index)));
  return row;
}

// Releases ----------------------------------------------------------------------------------------

export async function findRelease(db: Db, app: AppName, version: Version): Promise<ReleaseRow | undefined> {
  const [row] = await db
    .select()
    .from(releases)
    .where(and(eq(releases.app, app), eq(releases.version, version)));
  return row;
}
