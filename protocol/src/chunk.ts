/**
 * One chunk as it travels: zstd where that is shorter. The server stores chunks so, the command line
 * tells a publisher what a component will cost the link. Not part of the index: browsers have no zstd.
 */
import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';
import { CHUNK_BYTES } from './release.ts';

export interface Chunk {
  readonly encoding: 'identity' | 'zstd';
  readonly bytes: Uint8Array;
}

const compress = promisify(zstdCompress);

export async function packChunk(raw: Uint8Array): Promise<Chunk> {
  const zstd = await compress(raw);
  return zstd.length < raw.length ? { encoding: 'zstd', bytes: zstd } : { encoding: 'identity', bytes: raw };
}

/** All chunks of `bytes`, in their order. */
export async function packChunks(bytes: Uint8Array): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    chunks.push(await packChunk(bytes.subarray(at, at + CHUNK_BYTES)));
  return chunks;
}
