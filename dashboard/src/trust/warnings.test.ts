import type { TrustView } from '@wafer/protocol/trust';
import { expect, test } from 'vitest';
import { warningsOf } from './warnings.ts';

const NOW = Date.UTC(2026, 10, 21, 9);
const DAY_MS = 86_400_000;

type Role = TrustView['roles'][number];
const role = (name: string, days: number, more: Partial<Role> = {}): Role => ({
  role: name,
  kind: 'offline',
  version: 1,
  expires: new Date(NOW + days * DAY_MS).toISOString(),
  expiry: 'fine',
  threshold: 1,
  keys: ['a1'],
  ...more,
});
const view = (roles: Role[], online: TrustView['online'] = []): TrustView => ({
  initialised: true,
  roles,
  director: [],
  online,
});

test('nothing is said while nothing runs out', () => {
  expect(
    warningsOf(view([role('root', 300), role('demo', 0, { version: null, expires: null })]), NOW),
  ).toEqual([]);
});

test('a role that runs out is named with its days and what renews it', () => {
  const [warning] = warningsOf(view([role('targets', 12.5, { expiry: 'soon' })]), NOW);
  expect(warning).toEqual({
    tone: 'warn',
    text: 'What targets signed expires in 12 days; boards install nothing from then on.',
    command: 'npm run wafer -- keys renew targets',
  });
});

test.each([
  [0.4, 'within a day'],
  [1.4, 'in a day'],
])('%s days left read as %s', (days, words) => {
  const [warning] = warningsOf(view([role('root', days, { expiry: 'soon' })]), NOW);
  expect(warning?.text).toContain(words);
});

test('what has expired says what that means for boards', () => {
  const [warning] = warningsOf(view([role('demo', -1, { kind: 'app', expiry: 'expired' })]), NOW);
  expect(warning).toMatchObject({ tone: 'bad', command: 'npm run wafer -- keys renew demo' });
});

test('successors of the server wait for their names, once for all of them', () => {
  const made = new Date(NOW).toISOString();
  const online: TrustView['online'] = [
    { role: 'snapshot', keyid: 'a', made, state: 'signing' },
    { role: 'snapshot', keyid: 'b', made, state: 'waiting' },
    { role: 'director', keyid: 'c', made, state: 'waiting' },
  ];
  const warnings = warningsOf(view([], online), NOW);
  expect(warnings.map(({ text }) => text)).toEqual([
    'The server has made new keys for itself (snapshot, director); root and targets have to name them.',
  ]);
});
