import { describe, expect, it } from 'vitest';
import { changesOf } from './changes.ts';

describe('the changes of an event', () => {
  it('are the names that differ, deep ones by their path', () => {
    const before = { version: '1.0.0', grants: { clock: true, http: [] }, revision: 3 };
    const after = { version: '1.1.0', grants: { clock: true, http: [{ host: 'a' }] }, revision: 3 };
    expect(changesOf(before, after)).toEqual([
      { name: 'version', before: '1.0.0', after: '1.1.0' },
      { name: 'grants.http', before: '[]', after: '[{"host":"a"}]' },
    ]);
  });

  it('are everything where something came or went', () => {
    expect(changesOf(null, { uses: 1, group: null })).toEqual([{ name: 'uses', before: null, after: '1' }]);
    expect(changesOf({ name: 'ci' }, null)).toEqual([{ name: 'name', before: 'ci', after: null }]);
  });

  it('are none where nothing is said, and one where it is no object', () => {
    expect(changesOf(null, null)).toEqual([]);
    expect(changesOf(1, [2])).toEqual([{ name: '', before: '1', after: '[2]' }]);
    expect(changesOf({ a: 1 }, 'x')).toEqual([{ name: '', before: '{"a":1}', after: 'x' }]);
  });

  it('do not stumble over names that objects have by birth', () => {
    const hostile = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}') as unknown;
    expect(changesOf(null, hostile).map(({ name }) => name)).toEqual(['__proto__.a', 'constructor']);
  });
});
