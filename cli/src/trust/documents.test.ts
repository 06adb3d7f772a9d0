/**
 * Golden bytes: what is signed, exactly. A change here changes what every device in the field
 * verifies, so it must be meant.
 */
import { AppName, canonicalBytes, keyId, type OnlineKeys, signDocument } from '@wafer/protocol';
import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { expiryFrom, firstRoot, firstTargets, withDelegation, withTarget } from './documents.ts';

const NOW = Date.UTC(2026, 10, 21, 9);
const hex = (digit: string) => digit.repeat(64);
const director = hex('d');
const online: OnlineKeys = {
  snapshot: hex('a'),
  timestamp: hex('b'),
  director: { wafer: 1, keys: { [keyId(director)]: director } },
};
const one = (key: string) => ({ keys: [key], threshold: 1 });
const bytes = (document: unknown) => canonicalBytes(document).toString('utf8');
const app = AppName.parse('thermo');

describe('what a publisher signs', () => {
  it('founds trust with a root of four roles, two of them online', () => {
    expect(
      bytes(firstRoot({ root: one(hex('1')), targets: one(hex('2')) }, online, NOW)),
    ).toMatchInlineSnapshot(
      `"{"_type":"root","consistent_snapshot":true,"expires":"2027-11-21T09:00:00Z","keys":{"484fa77680b5c509d62a4cb77848d7011173cdd9d2b4fa2c433f903720818f16":{"keytype":"ed25519","keyval":{"public":"1111111111111111111111111111111111111111111111111111111111111111"},"scheme":"ed25519"},"72164dd0dd21502e17f1d57bfb21b4a44ec536df765ca2c57fdc9514846c4a7c":{"keytype":"ed25519","keyval":{"public":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},"scheme":"ed25519"},"95d0cae1d8ce74ee848b4981fc54cd7585941564154d0a07296d51aeb81861de":{"keytype":"ed25519","keyval":{"public":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},"scheme":"ed25519"},"ceaf2a56f990ed29c223a4c3c4f7b2cc311712cb67dec2bd61f086a38054de14":{"keytype":"ed25519","keyval":{"public":"2222222222222222222222222222222222222222222222222222222222222222"},"scheme":"ed25519"}},"roles":{"root":{"keyids":["484fa77680b5c509d62a4cb77848d7011173cdd9d2b4fa2c433f903720818f16"],"threshold":1},"snapshot":{"keyids":["95d0cae1d8ce74ee848b4981fc54cd7585941564154d0a07296d51aeb81861de"],"threshold":1},"targets":{"keyids":["ceaf2a56f990ed29c223a4c3c4f7b2cc311712cb67dec2bd61f086a38054de14"],"threshold":1},"timestamp":{"keyids":["72164dd0dd21502e17f1d57bfb21b4a44ec536df765ca2c57fdc9514846c4a7c"],"threshold":1}},"spec_version":"1.0.31","version":1}"`,
    );
  });

  it('puts the director keys into the first targets, as a target that says itself', () => {
    expect(bytes(firstTargets(online, NOW))).toMatchInlineSnapshot(
      `"{"_type":"targets","delegations":{"keys":{},"roles":[]},"expires":"2027-11-21T09:00:00Z","spec_version":"1.0.31","targets":{"director/keys.json":{"custom":{"keys":{"4aecc68983c46d6439c9c494042880e2e756f9dad4cd02562cc1ef83f2faf537":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"},"wafer":1},"hashes":{"sha256":"aa08bff176840e4233579b3ac5c8e49413ea9ecef7e84f884087818ec1aa41f5"},"length":154}},"version":1}"`,
    );
  });

  it('delegates exactly the paths of an app to its key, terminating', () => {
    const first = firstTargets(online, NOW);
    const next = withDelegation(first, app, one(hex('3')), NOW);
    expect(next.version).toBe(2);
    expect(next.targets).toEqual(first.targets);
    expect(bytes(next.delegations)).toMatchInlineSnapshot(
      `"{"keys":{"48b3ea3ba5917eedf988cf9f3777285e569c2254a29b499f90338e2c0677f379":{"keytype":"ed25519","keyval":{"public":"3333333333333333333333333333333333333333333333333333333333333333"},"scheme":"ed25519"}},"roles":[{"keyids":["48b3ea3ba5917eedf988cf9f3777285e569c2254a29b499f90338e2c0677f379"],"name":"thermo","paths":["thermo/*","thermo/*/*"],"terminating":true,"threshold":1}]}"`,
    );
  });

  it('adds a release to an app, keeping those before', () => {
    const first = withTarget(
      undefined,
      'thermo/1.0.0/x.wasm',
      { length: 1, hashes: { sha256: hex('4') } },
      NOW,
    );
    const second = withTarget(first, 'thermo/1.1.0/y.wasm', { length: 2, hashes: { sha256: hex('5') } }, NOW);
    expect(bytes(second)).toMatchInlineSnapshot(
      `"{"_type":"targets","expires":"2027-11-21T09:00:00Z","spec_version":"1.0.31","targets":{"thermo/1.0.0/x.wasm":{"hashes":{"sha256":"4444444444444444444444444444444444444444444444444444444444444444"},"length":1},"thermo/1.1.0/y.wasm":{"hashes":{"sha256":"5555555555555555555555555555555555555555555555555555555555555555"},"length":2}},"version":2}"`,
    );
  });

  it('carries along what it does not know, so that a newer tool loses nothing', () => {
    const first = { ...firstTargets(online, NOW), 'x-later': { a: 1 } };
    expect(withDelegation(first, app, one(hex('3')), NOW)['x-later']).toEqual({ a: 1 });
  });

  it('expires after a year, in whole seconds as TUF writes time', () => {
    expect(expiryFrom(NOW + 123)).toBe('2027-11-21T09:00:00Z');
  });

  it('gives this signature for this key and this document', () => {
    const seed = Buffer.alloc(32, 7);
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    expect(signDocument(firstTargets(online, NOW), key).signatures).toMatchInlineSnapshot(`
      [
        {
          "keyid": "bfe1a83869e5bf574e3ff3acbb83f840de84a990d10059f3096f0bf4f2b90c10",
          "sig": "d8435fcd0a2fa4958ec5bb42f6474d672986e79ba7dd7ae1fa1c63189a9c81de7ceaf6d40af663605c74a503278cee88d14192221731c66bbac9982fcf043504",
        },
      ]
    `);
  });
});
