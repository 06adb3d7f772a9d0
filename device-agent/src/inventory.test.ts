import { expect, it } from 'vitest';
import { plausibleSerial } from './inventory.ts';

it.each(['10000000e6b5a1c3\0', ' PF2X9ABC ', 'VMware-56 4d 12'])('takes %j as a serial number', (text) => {
  expect(plausibleSerial(text)).toBe(text.replace('\0', '').trim());
});

it.each([
  '',
  '\0',
  '0',
  '00000000',
  'None',
  'To be filled by O.E.M.',
  'Default string',
  'System Serial Number',
])('takes %j as no serial number, for boards that are not clones share it', (text) =>
  expect(plausibleSerial(text)).toBeUndefined(),
);
