import { CloneReason, type CloneView } from '@wafer/protocol/api';
import type { DeviceId } from '@wafer/protocol/ids';
import { expect, it } from 'vitest';
import { cloneWarning, cloneWords } from './clones.ts';

const device = (name: string): CloneView['devices'][number] => ({
  id: `d-${name.padEnd(16, 'a')}` as DeviceId,
  name,
  online: true,
  revoked: false,
  boardSerial: null,
});
const clone = (why: CloneView['why'], ...names: string[]): CloneView => ({
  why,
  first: '2026-11-20T09:00:00.000Z',
  last: '2026-11-21T09:00:00.000Z',
  devices: names.map(device),
  sessions: [],
});

it('a clone is named by its devices, whatever gave it away', () => {
  const titles = CloneReason.options.map((why) =>
    cloneWords(clone(why, ...(why === 'two live sessions' ? ['one'] : ['one', 'two']))),
  );
  expect(titles.map(({ title }) => title)).toEqual([
    'one is connected twice',
    'one and two say that they are the same board',
    'one and two have the same key',
  ]);
});

it('the warning names the newest and counts the others, and there is none without clones', () => {
  const [one, other] = [clone('two live sessions', 'one'), clone('the key', 'two', 'three')];
  expect(cloneWarning([])).toBeUndefined();
  expect(cloneWarning([one])).toBe('one is connected twice: somebody may have copied a board.');
  expect(cloneWarning([one, other])).toMatch(/And 1 more like it\.$/);
});
