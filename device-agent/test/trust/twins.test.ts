import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { FaultKind } from '@wafer/protocol';
import { expect, test } from 'vitest';
import { checkRoot } from '../../src/trust/root.ts';
import { refuseTwins } from '../../src/trust/twins.ts';
import { Repository } from './repository.ts';

const fault = (kind: FaultKind) => expect.objectContaining({ fault: expect.objectContaining({ kind }) });

const { publicKey } = generateKeyPairSync('ed25519');
const hex = Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url').toString('hex');
const key = (value: string, more: object = {}) => ({
  keytype: 'ed25519',
  scheme: 'ed25519',
  keyval: { public: value },
  ...more,
});
const pem = (of: KeyObject): string => of.export({ type: 'spki', format: 'pem' }).toString();
const bytes = (signed: object): Buffer => Buffer.from(JSON.stringify({ signed, signatures: [] }));

test.each([
  ['with a further field', key(hex, { note: 'twin' })],
  ['in another encoding', key(pem(publicKey))],
])('threshold: one stolen key that a role lists twice, %s, does not count as two', (_, twin) => {
  const keys = { one: key(hex), two: twin };
  const role = { keyids: ['one', 'two'], threshold: 2 };
  expect(() => refuseTwins(bytes({ keys, roles: { root: role } }))).toThrow(fault('signature'));
  const delegations = { keys, roles: [{ ...role, name: 'thermo' }] };
  expect(() => refuseTwins(bytes({ delegations }))).toThrow(fault('signature'));
});

test('one key for two roles is no twin', () => {
  const keys = { one: key(hex) };
  const role = { keyids: ['one'], threshold: 1 };
  expect(() => refuseTwins(bytes({ keys, roles: { snapshot: role, timestamp: role } }))).not.toThrow();
  expect(() => checkRoot(new Repository().root)).not.toThrow();
});
