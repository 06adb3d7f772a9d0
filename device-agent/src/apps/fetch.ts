/**
 * Bringing a component over MQTT, chunk by chunk, against the list of hashes that its publisher
 * signed. A chunk is unpacked within a bound and hashed before it is stored; so what lies in the
 * part file is either right or a hole, and resuming needs no bookkeeping: after a reboot every
 * stored chunk is hashed again, and what does not match is asked for.
 *
 * Faults: `digest` when the server's bytes are wrong three times over, `disk` when there is no room
 * or the file system fails, `link` when the server does not answer or does not have it.
 */
import { createHash } from 'node:crypto';
import { open, rename, statfs, type FileHandle } from 'node:fs/promises';
import { CHUNK_BYTES, FaultError, type Digest, type ReleaseCustom } from '@wafer/protocol';
import { decodeChunk } from '../link/chunk.ts';
import type { Requests } from '../link/requests.ts';
import { reason } from '../log.ts';
import { syncFolder } from '../state/durable.ts';
import type { BlobStore } from './store.ts';

export interface Wanted {
  readonly digest: Digest;
  readonly length: number;
  readonly chunks: ReleaseCustom['chunks'];
}

export interface FetchOptions extends FetchContext {
  readonly store: BlobStore;
}

export interface FetchContext {
  readonly requests: Pick<Requests, 'ask'>;
  readonly signal?: AbortSignal;
  /** Called once all chunks are here, before the whole is hashed. */
  readonly onVerifying?: () => void;
}

/** How often one chunk is asked for before the server's word is taken as wrong. */
const ASKS_PER_CHUNK = 3;
const PARALLEL = 8;
/** Room that is left to the rest of the board, besides the component and what is made of it. */
const SPARE_BYTES = 4 * 1024 * 1024;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const chunkLength = (wanted: Wanted, index: number): number =>
  Math.min(CHUNK_BYTES, wanted.length - index * CHUNK_BYTES);

/** `fetchBlob` for one board. */
export type Fetch = (wanted: Wanted, context: FetchContext) => Promise<void>;

/** Resolves when the component lies whole and verified in the store. */
export async function fetchBlob(wanted: Wanted, options: FetchOptions): Promise<void> {
  if (wanted.chunks.length !== Math.ceil(wanted.length / CHUNK_BYTES)) {
    throw new FaultError('digest', 'the signed list of chunks does not fit the length', wanted.digest);
  }
  try {
    await bring(wanted, options);
  } catch (error) {
    if (error instanceof FaultError || options.signal?.aborted) throw error;
    throw new FaultError('disk', `the component cannot be stored: ${reason(error)}`, undefined, {
      cause: error,
    });
  }
}

async function bring(wanted: Wanted, options: FetchOptions): Promise<void> {
  const { store } = options;
  const file = await openPart(store.partPath(wanted.digest));
  try {
    const missing = await missingChunks(file, wanted);
    await checkRoom(store.folder, wanted, missing.length);
    await askAll(file, wanted, missing, options);
    options.onVerifying?.();
    await file.truncate(wanted.length);
    await checkWhole(file, wanted);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(store.partPath(wanted.digest), store.wholePath(wanted.digest));
  await syncFolder(store.folder);
}

/** `r+` keeps what is there, which `w+` would not; O_CREAT comes only with the others. */
const openPart = (path: string): Promise<FileHandle> => open(path, 'r+').catch(() => open(path, 'w+', 0o600));

async function missingChunks(file: FileHandle, wanted: Wanted): Promise<number[]> {
  const missing: number[] = [];
  for (const [index, digest] of wanted.chunks.entries()) {
    const length = chunkLength(wanted, index);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, index * CHUNK_BYTES);
    if (bytesRead !== length || sha256(buffer) !== digest) missing.push(index);
  }
  return missing;
}

/** What is missing, and as much again for the code that is made of the component. */
async function checkRoom(folder: string, wanted: Wanted, missing: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const needed = missing * CHUNK_BYTES + wanted.length + SPARE_BYTES;
  if (bavail * bsize < needed) {
    throw new FaultError(
      'disk',
      `${needed} bytes are needed for the component and ${bavail * bsize} are free; make room and order it again`,
      'free space',
    );
  }
}

async function askAll(
  file: FileHandle,
  wanted: Wanted,
  missing: readonly number[],
  options: FetchOptions,
): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const queue = missing.values();
  const worker = async () => {
    for (const index of queue) {
      const bytes = await askChunk(wanted, index, options.requests, signal);
      await file.write(bytes, 0, bytes.length, index * CHUNK_BYTES);
    }
  };
  // All of them are waited for, so that none writes to a file that is closed already.
  const workers = Array.from({ length: Math.min(PARALLEL, missing.length) }, () =>
    worker().catch((error: unknown) => {
      stop.abort(error);
      throw error;
    }),
  );
  const results = await Promise.allSettled(workers);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw stop.signal.reason;
}

async function askChunk(
  wanted: Wanted,
  index: number,
  requests: Pick<Requests, 'ask'>,
  signal: AbortSignal,
): Promise<Buffer> {
  for (let asked = 0; asked < ASKS_PER_CHUNK; asked += 1) {
    const answer = await requests.ask({ want: 'chunk', digest: wanted.digest, index }, signal);
    if (answer.status === 'error') {
      throw new FaultError('link', `the server does not give chunk ${index}: ${answer.code}`, answer.code);
    }
    const bytes = decodeChunk(answer.body, answer.header.encoding);
    if (bytes?.length === chunkLength(wanted, index) && sha256(bytes) === wanted.chunks[index]) return bytes;
  }
  throw new FaultError(
    'digest',
    `chunk ${index} came ${ASKS_PER_CHUNK} times with other bytes than its publisher signed`,
    `chunk ${index}`,
  );
}

async function checkWhole(file: FileHandle, wanted: Wanted): Promise<void> {
  const hash = createHash('sha256');
  const part = Buffer.alloc(CHUNK_BYTES);
  for (let at = 0; at < wanted.length;) {
    const { bytesRead } = await file.read(part, 0, CHUNK_BYTES, at);
    if (bytesRead === 0) break;
    hash.update(part.subarray(0, bytesRead));
    at += bytesRead;
  }
  if (hash.digest('hex') !== wanted.digest) {
    throw new FaultError(
      'digest',
      'the chunks do not add up to the component that was signed',
      wanted.digest,
    );
  }
}
