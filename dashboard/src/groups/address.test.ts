import { expect, test } from 'vitest';
import { addressOf, groupAt } from './address.ts';

test.each(['lab', 'RISC-V in Berlin', 'Halle 3/4 – Süd', '100%', '100%25', 'a?b#c', '../people'])(
  'the group %s is found at its address',
  (name) => {
    const { pathname, search, hash } = new URL(addressOf(name), 'http://x');
    expect([groupAt(pathname), search, hash]).toEqual([name, '', '']);
  },
);

test('an address that nobody wrote so is no crash', () => {
  expect(groupAt('/groups/100%')).toBe('100%');
});
