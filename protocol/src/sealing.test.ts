import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { AppName, DeviceId } from './ids.ts';
import { openSecret, sealedLength, sealingKey, sealSecret } from './sealing.ts';

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const place = { device: 'd-abcdefghijklmnop' as DeviceId, app: 'thermo' as AppName, name: 'api-key' };
const value = Buffer.from('s3cr3t of the weather service');

describe('a secret sealed to a device', () => {
  const { privateKey, publicKey } = newKey();
  const sealed = sealSecret(value, sealingKey(publicKey), place);

  test('opens with the key of the device, in its place', () => {
    expect(Buffer.from(openSecret(sealed, privateKey, place))).toEqual(value);
    expect(sealed).toHaveLength(sealedLength(value.length));
    expect(sealingKey(privateKey)).toBe(sealingKey(publicKey));
  });

  test.each([
    ['device', { ...place, device: 'd-ponmlkjihgfedcba' as DeviceId }],
    ['app', { ...place, app: 'other' as AppName }],
    ['name', { ...place, name: 'api-keys' }],
    ['boundary between app and name', { ...place, app: 'thermo\0api' as AppName, name: 'key' }],
  ])('does not open for another %s', (_, elsewhere) => {
    expect(() => openSecret(sealed, privateKey, elsewhere)).toThrow();
  });

  test('does not open with the key of another device', () => {
    expect(() => openSecret(sealed, newKey().privateKey, place)).toThrow();
  });

  test('is refused when it is no sealed value at all', () => {
    for (const text of ['', 'AAAA', '%%%', sealed.slice(0, -4)])
      expect(() => openSecret(text, privateKey, place)).toThrow();
  });
});

test('a key of another kind is no sealing key', () => {
  expect(() => sealingKey(generateKeyPairSync('ed25519').publicKey)).toThrow('P-256');
  expect(() => sealSecret(value, 'AAAA', place)).toThrow('P-256');
});
