/**
 * A guard on the length of MQTT frames, before any parser sees them. The broker's parser buffers
 * whatever a fixed header announces, up to 256 MiB a connection; this one looks only at the fixed
 * header (MQTT 3.1.1, clauses 2.2 and 2.2.3) and refuses at its last byte, whatever the
 * fragmentation. It keeps a handful of numbers a connection and copies nothing.
 */
import type { Duplex } from 'node:stream';

export interface FrameLimits {
  /** Longest frame, header not counted, bytes. */
  readonly maxBytes: number;
  /** Longest first frame, which must be CONNECT, bytes. */
  readonly maxConnectBytes: number;
}

export const FRAME_LIMITS: FrameLimits = { maxBytes: 128 * 1024, maxConnectBytes: 8 * 1024 };

export type FrameViolation = 'not-connect' | 'length-malformed' | 'frame-too-long' | 'connect-too-long';

const CONNECT = 0x10;

/** Follows frame borders through a stream that may be cut anywhere. */
export class FrameScanner {
  readonly #limits: FrameLimits;
  #isFirst = true;
  /** Bytes of the current frame's body still to come. */
  #body = 0;
  /** Bytes of the length field seen so far; -1 while the type byte is awaited. */
  #lengthBytes = -1;
  #length = 0;

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  /** What is wrong with the stream so far. After a violation the scanner must not be used again. */
  scan(chunk: Uint8Array): FrameViolation | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#body > 0) {
        const step = Math.min(this.#body, chunk.length - at);
        this.#body -= step;
        at += step;
        continue;
      }
      const violation = this.#header(chunk[at] as number);
      if (violation !== undefined) return violation;
      at += 1;
    }
    return undefined;
  }

  #header(byte: number): FrameViolation | undefined {
    if (this.#lengthBytes < 0) {
      if (this.#isFirst && byte !== CONNECT) return 'not-connect';
      this.#lengthBytes = 0;
      this.#length = 0;
      return undefined;
    }
    this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes;
    this.#lengthBytes += 1;
    const { maxBytes, maxConnectBytes } = this.#limits;
    if (this.#length > (this.#isFirst ? maxConnectBytes : maxBytes)) {
      return this.#isFirst ? 'connect-too-long' : 'frame-too-long';
    }
    if ((byte & 0x80) !== 0) return this.#lengthBytes === 4 ? 'length-malformed' : undefined;
    this.#body = this.#length;
    this.#lengthBytes = -1;
    this.#isFirst = false;
    return undefined;
  }
}

/** Stops reading from a connection, and goes on; each `hold` needs its `release`. */
export interface Gate {
  hold(): void;
  release(): void;
}

/**
 * Puts the scanner in front of whoever reads `socket`. It wraps `read`, the only way by which the
 * broker takes bytes, and so costs no second stream and no copy for each connection. On a violation
 * the reader gets nothing more and `refuse` is called, once; it should destroy the socket. While
 * the gate is held the reader gets nothing either, the socket's buffer fills, and TCP tells the
 * sender to wait.
 */
export function guardFrames(
  socket: Duplex,
  limits: FrameLimits,
  refuse: (violation: FrameViolation) => void,
): Gate {
  const scanner = new FrameScanner(limits);
  const read = socket.read.bind(socket);
  let isRefused = false;
  let holds = 0;
  socket.read = (size?: number): unknown => {
    if (isRefused || holds > 0) return null;
    const chunk: unknown = read(size);
    if (!(chunk instanceof Uint8Array)) return chunk;
    const violation = scanner.scan(chunk);
    if (violation === undefined) return chunk;
    isRefused = true;
    refuse(violation);
    return null;
  };
  return {
    hold: () => void (holds += 1),
    release() {
      holds -= 1;
      if (holds === 0 && !socket.destroyed) socket.emit('readable');
    },
  };
}
