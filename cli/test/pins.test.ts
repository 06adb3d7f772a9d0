/** `wafer devices pin | unpin | pins | wake`: what is asked, and what is said. */
import type { PinView } from '@wafer/protocol';
import { afterEach, expect, it } from 'vitest';
import { type Person, signedIn } from './person.ts';

const DEVICE = 'd-abcdefghijklmnop';
const PIN = {
  device: DEVICE,
  app: 'thermo',
  version: '1.2.0',
  channel: 'stable',
  reason: 'a customer asked',
  at: '2026-11-21T09:00:00.000Z',
  by: 'user:admin',
  revision: 1,
} as PinView;

let person: Person;
afterEach(() => person.leave());

it('pins a release with a reason, lists pins, and takes one away', async () => {
  person = await signedIn();
  person.server.intercept = (request, path) => {
    if (request.method === 'PUT' && path.endsWith('/pins/thermo')) return { status: 200, body: PIN };
    return path.startsWith('/pins') ? { status: 200, body: { items: [PIN] } } : undefined;
  };
  const pin = await person.wafer('devices', 'pin', DEVICE, 'thermo', '1.2.0', '--reason', 'a customer asked');
  expect(pin).toMatchObject({
    exit: 0,
    stdout: `${DEVICE} keeps thermo 1.2.0 until wafer devices unpin\n`,
  });
  expect(JSON.parse(person.server.received.at(-1)?.toString() ?? '')).toEqual({
    version: '1.2.0',
    reason: 'a customer asked',
  });
  const pins = await person.wafer('devices', 'pins');
  expect(pins.stdout).toMatch(/d-abcdefghijklmnop +thermo +1\.2\.0 .*user:admin +a customer asked/);
  expect((await person.wafer('devices', 'unpin', DEVICE, 'thermo', '--json')).json()).toEqual({
    device: DEVICE,
    app: 'thermo',
    pinned: false,
  });
  expect((await person.wafer('devices', 'wake', DEVICE)).stdout).toBe(`rollouts start ${DEVICE} again\n`);
  expect(person.server.requests.filter((line) => !line.startsWith('GET'))).toEqual([
    `PUT /devices/${DEVICE}/pins/thermo`,
    `DELETE /devices/${DEVICE}/pins/thermo`,
    `DELETE /devices/${DEVICE}/rest`,
  ]);
});

it('refuses what is no name before anything is sent', async () => {
  person = await signedIn();
  for (const args of [
    ['pin', '#', 'thermo', '1.2.0'],
    ['pin', DEVICE, 'Thermo', '1.2.0'],
    ['pin', DEVICE, 'thermo', 'newest'],
    ['unpin', DEVICE, ''],
    ['wake', 'board'],
  ])
    expect((await person.wafer('devices', ...args)).exit).toBe(2);
  expect(person.server.requests).toEqual([]);
});
