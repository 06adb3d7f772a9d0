import { Grants } from '@wafer/protocol/grants';
import { expect, test } from 'vitest';
import { grantLines } from './grants.ts';

const lines = (raw: unknown) => grantLines(Grants.parse(raw));

test('each grant is one line that says what and how', () => {
  expect(
    lines({
      filesystem: [
        { host: '/sys/class/thermal', guest: '/thermal', access: 'read' },
        { host: '/var/spool', guest: '/var/spool', access: 'write' },
      ],
      http: [
        { host: 'api.example.org', methods: ['GET', 'POST'] },
        { scheme: 'http', host: 'printer.lan', port: 631, addresses: ['192.168.1.0/24'] },
      ],
      messaging: { publish: ['telemetry/#'], subscribe: ['commands/#'] },
      keyvalue: [{ store: 'default', maxBytes: 65536 }],
      secrets: ['api-key'],
      gpio: [
        { chip: 0, line: 17, direction: 'out' },
        {
          chip: 0,
          line: 27,
          direction: 'in',
          label: 'button',
          activeLow: true,
          bias: 'pull-up',
          edges: 'rising',
        },
      ],
      i2c: [{ bus: 1, address: 0x48, access: 'read' }],
      serial: [{ device: '/dev/ttyUSB0', baud: 9600, parity: 'even' }],
      sensors: [{ kind: 'iio', device: 'iio:device0' }],
      clock: true,
      environment: { REGION: 'eu' },
      arguments: ['--fast', 'now'],
    }),
  ).toEqual([
    { capability: 'filesystem', subject: '/sys/class/thermal as /thermal', how: 'read-only' },
    { capability: 'filesystem', subject: '/var/spool', how: 'read and write' },
    { capability: 'http', subject: 'https://api.example.org:443', how: 'GET, POST' },
    { capability: 'http', subject: 'http://printer.lan:631', how: 'GET at 192.168.1.0/24' },
    { capability: 'messaging', subject: 'telemetry/#', how: 'publish' },
    { capability: 'messaging', subject: 'commands/#', how: 'subscribe' },
    { capability: 'key-value store', subject: 'default', how: 'up to 64 KiB' },
    { capability: 'secret', subject: 'api-key', how: '' },
    { capability: 'gpio', subject: '0/17', how: 'out' },
    {
      capability: 'gpio',
      subject: '0/27 as button',
      how: 'in, active low, pull-up, rising edges as messages',
    },
    { capability: 'i²c', subject: '1/0x48', how: 'read-only' },
    { capability: 'serial', subject: '/dev/ttyUSB0', how: '9600 baud, even parity' },
    { capability: 'sensor', subject: 'iio:device0', how: 'IIO' },
    { capability: 'clock', subject: 'wall and monotonic time', how: '' },
    { capability: 'environment', subject: 'REGION=eu', how: '' },
    { capability: 'arguments', subject: '--fast now', how: '' },
  ]);
});

test('what is absent, off or empty grants nothing and shows nothing', () => {
  expect(lines({})).toEqual([]);
  expect(lines({ clock: false, random: false, messaging: {}, arguments: [], environment: {} })).toEqual([]);
});
