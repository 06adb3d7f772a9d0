/** `wafer claim list|revoke` and `wafer devices revoke`: what is asked, and what is said. */
import { afterEach, expect, it } from 'vitest';
import { type Person, signedIn } from './person.ts';

let person: Person;
afterEach(() => person.leave());

const ID = '00000000-0000-4000-8000-000000000001';
const DEVICE = 'd-abcdefghijklmnop';
const CLAIM = {
  id: ID,
  name: 'lab',
  usesLeft: 3,
  madeBy: 'user:ann',
  created: '2026-11-20T09:00:00.000Z',
  expires: '2026-11-22T09:00:00.000Z',
  revoked: null,
  channels: ['stable', 'beta'],
  group: 'lab',
  tags: { site: 'north' },
};

async function answering(status: number, body: unknown): Promise<void> {
  person = await signedIn();
  person.server.intercept = () => ({ status, body });
}

it('lists claim tokens with what is left of them', async () => {
  const items = [
    CLAIM,
    { ...CLAIM, usesLeft: 0 },
    { ...CLAIM, revoked: CLAIM.created },
    { ...CLAIM, expires: CLAIM.created },
  ];
  await answering(200, { items });
  const { exit, stdout } = await person.wafer('claim', 'list');
  expect(exit).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines[1]).toMatch(
    /^\S+ +lab +3 left +2026-11-22T09:00:00.000Z +user:ann +stable beta +lab +site=north$/,
  );
  expect(lines.slice(2).map((line) => /used up|revoked|expired/.exec(line)?.[0])).toEqual([
    'used up',
    'revoked',
    'expired',
  ]);
});

it('refuses to revoke a claim token by what is no id', async () => {
  await answering(200, null);
  const garbled = await person.wafer('claim', 'revoke', '../devices');
  expect([garbled.exit, garbled.stderr]).toEqual([2, expect.stringContaining('see wafer claim list')]);
  expect(person.server.requests).toEqual([]);
});

it('revokes a device, also as JSON', async () => {
  person = await signedIn();
  const run = await person.wafer('devices', 'revoke', DEVICE, '--json');
  expect([run.exit, run.json()]).toEqual([0, { device: DEVICE, revoked: true }]);
  expect((await person.wafer('claim', 'revoke', ID)).exit).toBe(0);
  expect(person.server.requests).toEqual([`POST /devices/${DEVICE}/revoke`, `DELETE /claim-tokens/${ID}`]);
  const garbled = await person.wafer('devices', 'revoke', '#');
  expect([garbled.exit, garbled.stderr]).toEqual([2, expect.stringContaining('is no device')]);
});
