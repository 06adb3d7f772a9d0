/**
 * A frame is a JSON header followed by raw bytes: two bytes of header length, big-endian, the
 * header, the body. It saves the third that base64 would add to every chunk.
 */

export interface Frame {
  readonly header: unknown;
  readonly body: Uint8Array;
}

export function encodeFrame(header: object, body: Uint8Array): Buffer {
  const head = Buffer.from(JSON.stringify(header), 'utf8');
  if (head.length > 0xffff) throw new RangeError('frame header over 65,535 bytes');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(head.length);
  return Buffer.concat([length, head, body]);
}

/** Undefined when the bytes are no frame; whoever sent them is not trusted. */
export function decodeFrame(bytes: Uint8Array): Frame | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 2) return undefined;
  const end = 2 + buffer.readUInt16BE(0);
  if (buffer.length < end) return undefined;
  try {
    const header: unknown = JSON.parse(buffer.toString('utf8', 2, end));
    return { header, body: buffer.subarray(end) };
  } catch {
    return undefined;
  }
}
