import { describe, expect, it } from 'vitest';
import { claimState, makerOf, nameOf, parseTags } from './claims.ts';

const NOW = Date.UTC(2026, 10, 21, 9);
const at = (ms: number): string => new Date(NOW + ms).toISOString();

describe('a claim token', () => {
  const fresh = { revoked: null, expires: at(1000), usesLeft: 1 };

  it.each([
    ['works', {}],
    ['used up', { usesLeft: 0 }],
    ['expired', { expires: at(0) }],
    ['expired', { expires: at(-1), usesLeft: 0 }],
    ['revoked', { revoked: at(-5), expires: at(-1), usesLeft: 0 }],
  ] as const)('%s: %o', (state, more) => {
    expect(claimState({ ...fresh, ...more }, NOW)).toBe(state);
  });

  it('is called by its name, or by the beginning of its id', () => {
    const id = '0a1b2c3d-0000-4000-8000-000000000001';
    expect([nameOf({ id, name: 'lab' }), nameOf({ id, name: null })]).toEqual(['lab', '0a1b2c3d']);
  });

  it('was made by a person, or by what is none', () => {
    expect(['user:ann', 'token:ci', 'server', null].map(makerOf)).toEqual([
      'ann',
      'token ci',
      'server',
      'not known',
    ]);
  });
});

describe('tags', () => {
  it('are names and values, of which the value may hold another =', () => {
    expect(parseTags(['site=north', 'note = a=b '])).toEqual({ site: 'north', note: 'a=b' });
    expect(parseTags([])).toEqual({});
  });

  it.each(['north', '=north'])('are none of %s', (text) => {
    expect(parseTags(['site=north', text])).toBeUndefined();
  });
});
