import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameScanner, type FrameViolation } from './frames.ts';

const LIMITS = { maxBytes: 1000, maxConnectBytes: 100 };

const frame = (type: number, bodyBytes: number, announced = bodyBytes): Buffer => {
  const length: number[] = [];
  let rest = announced;
  do {
    length.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.concat([Buffer.from([type, ...length]), Buffer.alloc(bodyBytes, 0xff)]);
};

const scanAll = (chunks: readonly Buffer[]): FrameViolation | undefined => {
  const scanner = new FrameScanner(LIMITS);
  for (const chunk of chunks) {
    const violation = scanner.scan(chunk);
    if (violation !== undefined) return violation;
  }
  return undefined;
};

const cutAt = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const borders = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return borders.slice(1).map((end, index) => bytes.subarray(borders[index], end));
};

describe('the frame guard', () => {
  it('lets frames within the limits pass', () => {
    expect(scanAll([frame(0x10, 100), frame(0x30, 1000), frame(0xc0, 0)])).toBeUndefined();
  });

  it('refuses a long frame at its header, before a byte of its body', () => {
    expect(scanAll([frame(0x10, 20), frame(0x30, 0, 1001)])).toBe('frame-too-long');
  });

  it('holds CONNECT to a limit of its own', () => {
    expect(scanAll([frame(0x10, 0, 101)])).toBe('connect-too-long');
  });

  it('refuses whatever begins with something else than CONNECT', () => {
    expect(scanAll([frame(0x30, 5)])).toBe('not-connect');
    expect(scanAll([Buffer.from('GET / HTTP/1.1\r\n')])).toBe('not-connect');
  });

  it('refuses a length field of more than four bytes', () => {
    expect(scanAll([frame(0x10, 3), Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01])])).toBe(
      'length-malformed',
    );
  });

  it('comes to the same verdict however the stream is cut', () => {
    const stream = fc.array(fc.tuple(fc.constantFrom(0x10, 0x30, 0x82), fc.integer({ min: 0, max: 1200 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(stream, fc.array(fc.nat(5000), { maxLength: 20 }), (frames, cuts) => {
        const bytes = Buffer.concat([frame(0x10, 10), ...frames.map(([type, size]) => frame(type, size))]);
        const expected = frames.some(([, size]) => size > 1000) ? 'frame-too-long' : undefined;
        expect(scanAll(cutAt(bytes, cuts))).toBe(expected);
      }),
    );
  });
});
