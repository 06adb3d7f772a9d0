/** Writes ustar (POSIX.1-1988) that is the same bytes for the same files: in order, and nobody's. */
import { gzipSync } from 'node:zlib';

export interface TarEntry {
  /** At most 255 characters, of which the last part has at most 100. */
  readonly path: string;
  /** Undefined for a folder. */
  readonly bytes: Uint8Array | undefined;
  readonly mode: number;
}

const BLOCK = 512;

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;

function split(path: string): { name: string; prefix: string } {
  if (path.length <= 100) return { name: path, prefix: '' };
  const at = path.indexOf('/', path.length - 101);
  if (at < 0 || at > 155) throw new Error(`${path} is too long for an archive`);
  return { name: path.slice(at + 1), prefix: path.slice(0, at) };
}

function header({ path, bytes, mode }: TarEntry, atSeconds: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const { name, prefix } = split(bytes === undefined ? `${path}/` : path);
  block.write(name, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(bytes?.length ?? 0, 12), 124);
  block.write(octal(atSeconds, 12), 136);
  block.write(' '.repeat(8), 148);
  block.write(bytes === undefined ? '5' : '0', 156);
  block.write('ustar\x0000', 257);
  block.write('root', 265);
  block.write('root', 297);
  block.write(prefix, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** Entries in the order in which they come; `atSeconds` since 1970 is the time of all of them. */
export function tarGzip(entries: readonly TarEntry[], atSeconds: number): Buffer {
  const parts = entries.flatMap((entry) => {
    const content = Buffer.from(entry.bytes ?? []);
    const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
    return [header(entry, atSeconds), content, padding];
  });
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]), { level: 9 });
}
