import { expect, test } from 'vitest';
import { together } from './together.ts';

/** Looks that a test ends one by one. */
function looks() {
  const begun: { key: string; end: (value: string) => void; fail: (error: Error) => void }[] = [];
  const ask = together<string>((key) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    begun.push({ key, end: resolve, fail: reject });
    return promise;
  });
  return { begun, ask };
}

test('who asks while a look is under way shares the next one with the others that wait', async () => {
  const { begun, ask } = looks();
  const first = ask('timestamp');
  const waiting = [ask('timestamp'), ask('timestamp'), ask('timestamp')];
  expect(begun).toHaveLength(1);
  begun[0]!.end('old');
  expect(await first).toBe('old');
  await expect.poll(() => begun.length).toBe(2);
  begun[1]!.end('new');
  expect(await Promise.all(waiting)).toEqual(['new', 'new', 'new']);
  expect(begun).toHaveLength(2);
});

test('who asks when nothing is under way begins a look at once', async () => {
  const { begun, ask } = looks();
  const first = ask('timestamp');
  begun[0]!.end('one');
  await first;
  await Promise.resolve();
  const second = ask('timestamp');
  expect(begun).toHaveLength(2);
  begun[1]!.end('two');
  expect(await second).toBe('two');
});

test('different things do not wait for each other', () => {
  const { begun, ask } = looks();
  void ask('timestamp');
  void ask('2.root');
  expect(begun.map(({ key }) => key)).toEqual(['timestamp', '2.root']);
});

test('a look that fails fails for whom it was, and the next one is tried', async () => {
  const { begun, ask } = looks();
  const first = ask('timestamp');
  const second = ask('timestamp');
  begun[0]!.fail(new Error('the database is away'));
  await expect(first).rejects.toThrow('away');
  await expect.poll(() => begun.length).toBe(2);
  begun[1]!.end('back');
  expect(await second).toBe('back');
});
