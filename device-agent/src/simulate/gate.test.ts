import { expect, test } from 'vitest';
import { Gate } from './gate.ts';

test('no more are let in than there is room for, in the order in which they came, and failures give room too', async () => {
  const gate = new Gate(2);
  const begun: number[] = [];
  const ends: PromiseWithResolvers<number>[] = [];
  const all = [0, 1, 2, 3].map((each) =>
    gate.run(() => {
      begun.push(each);
      ends[each] = Promise.withResolvers<number>();
      return ends[each].promise;
    }),
  );
  expect(begun).toEqual([0, 1]);
  ends[0]!.reject(new Error('unwell'));
  await expect(all[0]).rejects.toThrow('unwell');
  expect(begun).toEqual([0, 1, 2]);
  ends[1]!.resolve(1);
  ends[2]!.resolve(2);
  await expect.poll(() => begun).toEqual([0, 1, 2, 3]);
  ends[3]!.resolve(3);
  expect(await Promise.all(all.slice(1))).toEqual([1, 2, 3]);
});
