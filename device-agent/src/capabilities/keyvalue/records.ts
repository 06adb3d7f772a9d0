/**
 * One store's file: a header, then records, each the setting or deletion of one key, in the order in
 * which they were asked for.
 *
 *   file    "WAFERKV1" mark:u32 record*                                        (big-endian)
 *   record  mark:u32 crc32:u32 kind:u8 key-length:u16 value-length:u32 key value
 *
 * The checksum covers all that follows it in the record. The mark is drawn anew for every file and no
 * guest knows it, so no value can be made to look like a record. A record is flushed before it is acknowledged
 * and before the next is begun, so a power cut can tear only the last one, which nobody was promised.
 * A bad record with a whole one somewhere behind it is therefore no torn tail but damage.
 */
import { crc32 } from 'node:zlib';

const MAGIC = Buffer.from('WAFERKV1');
const HEADER_BYTES = MAGIC.length + 4;
export const RECORD_HEAD_BYTES = 15;
/** Longest key, bytes of UTF-8. */
export const MAX_KEY_BYTES = 512;

const SET = 1;
const DELETE = 2;

export interface Change {
  readonly key: string;
  /** Undefined where the key was deleted. */
  readonly value: Uint8Array | undefined;
}

export function encodeHeader(mark: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.set(MAGIC);
  header.writeUInt32BE(mark, MAGIC.length);
  return header;
}

export function encodeRecord({ key, value }: Change, mark: number): Buffer {
  const name = Buffer.from(key);
  const record = Buffer.alloc(RECORD_HEAD_BYTES + name.length + (value?.length ?? 0));
  record.writeUInt32BE(mark, 0);
  record.writeUInt8(value === undefined ? DELETE : SET, 8);
  record.writeUInt16BE(name.length, 9);
  record.writeUInt32BE(value?.length ?? 0, 11);
  record.set(name, RECORD_HEAD_BYTES);
  if (value !== undefined) record.set(value, RECORD_HEAD_BYTES + name.length);
  record.writeUInt32BE(crc32(record.subarray(8)), 4);
  return record;
}

interface Read extends Change {
  readonly end: number;
}

/** The whole record at `at`; undefined where there is none. */
function readRecord(bytes: Buffer, at: number, mark: number): Read | undefined {
  const start = at + RECORD_HEAD_BYTES;
  if (start > bytes.length || bytes.readUInt32BE(at) !== mark) return undefined;
  const kind = bytes[at + 8];
  const keyEnd = start + bytes.readUInt16BE(at + 9);
  const end = keyEnd + bytes.readUInt32BE(at + 11);
  if ((kind !== SET && kind !== DELETE) || keyEnd - start > MAX_KEY_BYTES || end > bytes.length)
    return undefined;
  if (crc32(bytes.subarray(at + 8, end)) !== bytes.readUInt32BE(at + 4)) return undefined;
  const key = bytes.toString('utf8', start, keyEnd);
  // A copy: a slice would keep the whole file in memory.
  return { key, value: kind === SET ? Uint8Array.from(bytes.subarray(keyEnd, end)) : undefined, end };
}

export interface Contents {
  readonly mark: number;
  readonly changes: readonly Change[];
  /** Where the whole records end; what follows is a torn tail. */
  readonly end: number;
}

/** The file does not hold what was flushed to it. */
export class DamagedStore extends Error {
  override readonly name = 'DamagedStore';
}

/** Throws `DamagedStore` for what no power cut explains. */
export function readRecords(bytes: Buffer): Contents {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new DamagedStore('it does not begin like a store');
  }
  const mark = bytes.readUInt32BE(MAGIC.length);
  const changes: Change[] = [];
  let end = HEADER_BYTES;
  for (let next = readRecord(bytes, end, mark); next !== undefined; next = readRecord(bytes, end, mark)) {
    changes.push(next);
    end = next.end;
  }
  for (let at = end + 1; at < bytes.length; at += 1) {
    if (readRecord(bytes, at, mark) !== undefined) {
      throw new DamagedStore(`bytes ${end} to ${at} are not what was written`);
    }
  }
  return { mark, changes, end };
}
