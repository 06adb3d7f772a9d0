/** One chunk as it travels: plain or zstd, never more than CHUNK_BYTES once it is unpacked. */
import { zstdDecompressSync } from 'node:zlib';
import { CHUNK_BYTES } from '@wafer/protocol';

/** Undefined for what does not unpack within the bound; whoever sent it is not trusted. */
export function decodeChunk(body: Buffer, encoding: 'identity' | 'zstd'): Buffer | undefined {
  if (encoding === 'identity') return body.length <= CHUNK_BYTES ? body : undefined;
  try {
    return zstdDecompressSync(body, { maxOutputLength: CHUNK_BYTES });
  } catch {
    return undefined;
  }
}
