import { generateKeyPairSync } from 'node:crypto';
import { Days, Hours } from '@wafer/protocol';
import { describe, expect, test } from 'vitest';
import { readDoc, sha256 } from './metadata.ts';
import { nextOnline, renewals, type OnlinePair } from './online.ts';

const key = () => generateKeyPairSync('ed25519').privateKey;
const signers: OnlinePair = { snapshot: key(), timestamp: key() };
const START = Date.parse('2026-11-21T09:00:00.250Z');

const targets = (role: string, version: number) =>
  readDoc(
    'targets',
    role,
    JSON.stringify({
      signed: {
        _type: 'targets',
        spec_version: '1.0.31',
        version,
        expires: '2099-01-01T00:00:00Z',
        targets: {},
      },
      signatures: [],
    }),
  );

describe('snapshot and timestamp', () => {
  test('name what they cover by version, length and hash', () => {
    const first = targets('targets', 1);
    const { snapshot, timestamp } = nextOnline(undefined, [first], signers, START);
    const named = { version: 1, length: first.text.length, hashes: { sha256: sha256(first.text) } };
    expect(JSON.parse(snapshot.text).signed.meta).toEqual({ 'targets.json': named });
    expect(JSON.parse(timestamp.text).signed.meta['snapshot.json']).toEqual({
      version: 1,
      length: snapshot.text.length,
      hashes: { sha256: sha256(snapshot.text) },
    });
  });

  test('keep every role of the snapshot before, and replace those that changed', () => {
    const one = nextOnline(undefined, [targets('targets', 1), targets('thermo', 1)], signers, START);
    const two = nextOnline(one, [targets('thermo', 2)], signers, START);
    const { meta } = JSON.parse(two.snapshot.text).signed;
    expect([two.snapshot.version, two.timestamp.version]).toEqual([2, 2]);
    expect([meta['targets.json'].version, meta['thermo.json'].version]).toEqual([1, 2]);
  });

  test('have expiries of whole seconds, as TUF asks', () => {
    const { snapshot, timestamp } = nextOnline(undefined, [], signers, START);
    expect(JSON.parse(snapshot.text).signed.expires).toBe('2026-11-28T09:00:00Z');
    expect(JSON.parse(timestamp.text).signed.expires).toBe('2026-11-22T09:00:00Z');
  });
});

describe('renewal', () => {
  const current = nextOnline(undefined, [targets('targets', 1)], signers, START);
  const due = (after: number) =>
    renewals(current, signers, START + after).map(({ role, version }) => `${role} ${version}`);

  test('leaves what is fresh', () => {
    expect(due(Hours(11))).toEqual([]);
  });

  test('signs the timestamp again half a day before it expires, over the same snapshot', () => {
    expect(due(Hours(13))).toEqual(['timestamp 2']);
  });

  test('signs both again days before the snapshot expires, and also when both have expired', () => {
    expect(due(Days(3) + Hours(1))).toEqual(['snapshot 2', 'timestamp 2']);
    expect(due(Days(400))).toEqual(['snapshot 2', 'timestamp 2']);
  });
});
