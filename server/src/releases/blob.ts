/**
 * A blob is bytes known by their SHA-256, cut into chunks of CHUNK_BYTES that are compressed once,
 * when they come, and served as they lie.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { CHUNK_BYTES, WaferError, type Digest } from '@wafer/protocol';
import { isAgentBundle } from '@wafer/protocol/agent-bundle';
import { packChunk, packChunks, type Chunk } from '@wafer/protocol/chunk';
import { isWasm } from './inspect.ts';
import { sha256 } from './metadata.ts';

export interface Blob {
  readonly digest: Digest;
  /** Bytes before compression. */
  readonly length: number;
  readonly chunks: readonly Chunk[];
}

const decompress = promisify(zstdDecompress);

export const unpackChunk = async ({ encoding, bytes }: Chunk): Promise<Uint8Array> =>
  encoding === 'zstd' ? decompress(bytes, { maxOutputLength: CHUNK_BYTES }) : bytes;

/** Blobs of our own making, which fit in memory anyway. */
export async function makeBlob(bytes: Uint8Array): Promise<Blob> {
  return { digest: sha256(bytes) as Digest, length: bytes.length, chunks: await packChunks(bytes) };
}

/** Cuts a stream of pieces of any size into pieces of CHUNK_BYTES. */
async function* cut(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const piece of source) {
    held.push(piece);
    heldBytes += piece.length;
    if (heldBytes < CHUNK_BYTES) continue;
    const whole = Buffer.concat(held);
    const end = whole.length - (whole.length % CHUNK_BYTES);
    for (let at = 0; at < end; at += CHUNK_BYTES) yield whole.subarray(at, at + CHUNK_BYTES);
    held = [whole.subarray(end)];
    heldBytes = whole.length - end;
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

/**
 * Takes an upload as it comes, holding no more than its compressed chunks. Throws
 * component.not-wasm at the first bytes, component.too-large at the first byte too many, and
 * component.digest-mismatch at the end.
 */
export async function receiveBlob(
  source: AsyncIterable<Buffer>,
  digest: Digest,
  maxBytes: number,
): Promise<Blob> {
  const hash = createHash('sha256');
  const chunks: Chunk[] = [];
  let length = 0;
  for await (const raw of cut(source)) {
    if (length === 0 && !isWasm(raw) && !isAgentBundle(raw))
      throw new WaferError('component.not-wasm', 'The file does not begin with \\0asm.');
    length += raw.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    hash.update(raw);
    chunks.push(await packChunk(raw));
  }
  if (length === 0) throw new WaferError('component.not-wasm', 'The file is empty.');
  const found = hash.digest('hex');
  if (found !== digest)
    throw new WaferError('component.digest-mismatch', `The bytes hash to ${found}. Send the file again.`);
  return { digest, length, chunks };
}

export const tooLarge = (maxBytes: number): WaferError =>
  new WaferError('component.too-large', `This server takes components of up to ${maxBytes} bytes.`);
