import { expect, it } from 'vitest';
import { grantNames } from './grant-names.ts';
import { Grants } from './grants.ts';

it('every single grant has a name of its own', () => {
  const grants = Grants.parse({
    filesystem: [{ host: '/sys/class/thermal', guest: '/thermal', access: 'read' }],
    http: [
      { host: 'api.example.org', methods: ['GET', 'POST'] },
      { scheme: 'http', host: 'localhost' },
    ],
    messaging: { publish: ['alarms/#'], subscribe: ['$board/door'] },
    keyvalue: [{ store: 'default', maxBytes: 100 }],
    secrets: ['api-key'],
    gpio: [{ chip: 0, line: 17, direction: 'out', label: 'led' }],
    i2c: [{ bus: 1, address: 0x48, access: 'read' }],
    serial: [{ device: '/dev/ttyUSB0' }],
    sensors: [{ kind: 'onewire', device: '28-0316a2795aff' }],
    clock: true,
    random: false,
    environment: { REGION: 'eu' },
    arguments: ['-v'],
  });
  expect(grantNames(grants)).toEqual([
    'filesystem /sys/class/thermal',
    'http GET https://api.example.org:443',
    'http POST https://api.example.org:443',
    'http GET http://localhost:80',
    'messaging.publish alarms/#',
    'messaging.subscribe $board/door',
    'keyvalue default',
    'secrets api-key',
    'gpio 0/17',
    'i2c 1/0x48',
    'serial /dev/ttyUSB0',
    'sensors onewire 28-0316a2795aff',
    'clock',
  ]);
  expect(grantNames({})).toEqual([]);
});
