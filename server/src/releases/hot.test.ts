import { expect, test } from 'vitest';
import { createHot } from './hot.ts';

test('what was asked for least recently goes first when the bound is reached', () => {
  const hot = createHot<string>(10);
  hot.set('a', 'A', 4);
  hot.set('b', 'B', 4);
  expect(hot.get('a')).toBe('A');
  hot.set('c', 'C', 4);
  expect([hot.get('a'), hot.get('b'), hot.get('c')]).toEqual(['A', undefined, 'C']);
});

test('a value that is set again counts once', () => {
  const hot = createHot<string>(10);
  for (let round = 0; round < 100; round += 1) hot.set('a', `A${round}`, 4);
  hot.set('b', 'B', 6);
  expect([hot.get('a'), hot.get('b')]).toEqual(['A99', 'B']);
});

test('what is larger than the bound is not kept, and drives nothing else out', () => {
  const hot = createHot<string>(10);
  hot.set('a', 'A', 4);
  hot.set('huge', 'H', 11);
  expect([hot.get('a'), hot.get('huge')]).toEqual(['A', undefined]);
});
