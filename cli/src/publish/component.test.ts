import { describe, expect, it } from 'vitest';
import { kindOf, whyNoWorld } from './component.ts';

describe('what a file is', () => {
  it.each([
    ['0061736d0d000100', 'component'],
    ['0061736d01000000', 'module'],
    ['0061736d', undefined],
    ['7f454c4602010100', undefined],
    ['', undefined],
  ])('is read from the preamble: %s is %s', (hex, kind) => {
    expect(kindOf(Buffer.from(hex, 'hex'))).toBe(kind);
  });
});

describe('a component of no world is refused with the reason', () => {
  it.each([
    [[], /exports nothing; a command exports/],
    [['wasi:http/incoming-handler@0.2.3'], /HTTP handler/],
    [['wasi:cli/run@0.3.0'], /exports wasi:cli\/run@0\.3\.0; a command exports wasi:cli\/run@0\.2\.x/],
  ])('%j', (exports, reason) => {
    expect(whyNoWorld(exports)).toMatch(reason);
  });
});
