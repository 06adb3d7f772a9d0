import { MAX_SECRETS, MAX_SECRET_BYTES, type AppName } from '@wafer/protocol';
import { expect, test } from 'vitest';
import { mustFit, valueOf, viewOf, type Scope, type SecretRow } from './secret.ts';

const APP = 'thermo' as AppName;

const row = (name: string, bytes = 10, channel = '*'): SecretRow => ({
  app: APP,
  channel: channel as Scope,
  name,
  id: `id of ${name}`,
  bytes,
  set: new Date('2026-11-21T09:00:00.000Z'),
  by: 'user:admin',
});

const place = (name: string, scope = '*') => ({
  app: APP,
  scope: scope as Scope,
  name,
});

const many = (count: number, bytes = 10): SecretRow[] =>
  Array.from({ length: count }, (_, index) => row(`name-${index}`, bytes));

test('one more name fits until there are as many as a grant can name', () => {
  expect(() => mustFit(many(MAX_SECRETS - 1), place('new'), 10)).not.toThrow();
  expect(() => mustFit(many(MAX_SECRETS), place('new'), 10)).toThrow('has 16 secrets already');
  expect(() => mustFit(many(MAX_SECRETS), place('name-3'), 10)).not.toThrow();
  expect(() => mustFit(many(MAX_SECRETS), place('name-3', 'beta'), 10)).not.toThrow();
});

test('a value is no larger than one message can take, nor all of them together', () => {
  expect(() => mustFit([], place('new'), MAX_SECRET_BYTES)).not.toThrow();
  expect(() => mustFit([], place('new'), MAX_SECRET_BYTES + 1)).toThrow('4097 bytes');
  expect(() => mustFit(many(4, MAX_SECRET_BYTES), place('new'), 1)).toThrow('16385 bytes');
});

test('what is replaced does not count, and of several channels the largest does', () => {
  const full = many(4, MAX_SECRET_BYTES);
  expect(() => mustFit(full, place('name-0'), MAX_SECRET_BYTES)).not.toThrow();
  expect(() => mustFit(full, place('name-0', 'beta'), 1)).not.toThrow();
  expect(() => mustFit([...full.slice(1), row('name-0', 1, 'beta')], place('new'), MAX_SECRET_BYTES)).toThrow(
    '16385 bytes',
  );
});

test('text is UTF-8, base64 is bytes', () => {
  expect(valueOf({ text: 'é' })).toEqual(Buffer.from([0xc3, 0xa9]));
  expect(valueOf({ base64: '/wA=' })).toEqual(Buffer.from([0xff, 0x00]));
});

test('what is shown says who, when and where', () => {
  expect(viewOf(row('api-key', 10, 'beta'))).toEqual({
    app: 'thermo',
    name: 'api-key',
    channel: 'beta',
    set: '2026-11-21T09:00:00.000Z',
    by: 'user:admin',
  });
  expect(viewOf(row('api-key')).channel).toBeNull();
});
