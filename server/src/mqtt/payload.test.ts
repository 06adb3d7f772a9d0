import { WaferError } from '@wafer/protocol';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parsePayload } from './payload.ts';

const Schema = z.strictObject({ text: z.string().max(20) });
const parse = (text: string) => parsePayload(Schema, Buffer.from(text));

describe('a payload', () => {
  it('that fits is returned', () => {
    expect(parse('{"text":"ok"}')).toEqual({ text: 'ok' });
  });

  it.each(['', '{', 'null', '[]', '{"text":1}', '{"text":"x","more":1}', '"\\ud800"', '\u0000', '[[[['])(
    'that is %j is refused as invalid, and nothing else is thrown',
    (text) => {
      expect(() => parse(text)).toThrow(WaferError);
      expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'request.invalid' }));
    },
  );

  it('of bytes that are no UTF-8 does not throw anything else', () => {
    expect(() => parsePayload(Schema, Buffer.from([0xff, 0xfe, 0x00]))).toThrow(WaferError);
  });

  it('keeps its meaning when it holds a NUL or half a surrogate pair, which Postgres cannot store', () => {
    expect(parse('{"text":"a\\u0000b\\uD800c"}')).toEqual({ text: 'a\uFFFDb\uFFFDc' });
  });

  it('keeps whole surrogate pairs, however they are written', () => {
    expect(parse('{"text":"\\ud83d\\ude00😀"}')).toEqual({ text: '😀😀' });
  });
});
