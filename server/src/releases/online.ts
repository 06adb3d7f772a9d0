/**
 * The two roles that the server signs itself (TUF 1.0 clauses 4.4 and 4.6): the snapshot names the
 * version of every targets role, the timestamp names the snapshot. Their keys can neither make a
 * release nor take one back; all that whoever steals them can do is to hold devices at a set of
 * metadata that publishers did sign.
 */
import { MetaFile, Metadata, Signature, Snapshot, Timestamp } from '@tufjs/models';
import { Days, Hours, keyId, publicHex, type Milliseconds } from '@wafer/protocol';
import { sign, type KeyObject } from 'node:crypto';
import { readDoc, sha256, type Doc } from './metadata.ts';

const SNAPSHOT_LIFE = Days(7);
const TIMESTAMP_LIFE = Days(1);

/** Time to live at which it is signed again: a server that was down for hours leaves nobody stuck. */
const SNAPSHOT_RENEWAL = Days(4);
const TIMESTAMP_RENEWAL = Hours(12);

const SPEC_VERSION = '1.0.31';

/** The private keys that root names for the two roles. */
export interface OnlinePair {
  readonly snapshot: KeyObject;
  readonly timestamp: KeyObject;
}

export interface Online {
  readonly snapshot: Doc<'snapshot'>;
  readonly timestamp: Doc<'timestamp'>;
}

/** TUF instants have no fraction of a second (clause 4.2.1). */
const expiry = (nowMs: number, life: Milliseconds): string =>
  new Date(nowMs + life).toISOString().replace(/\.\d{3}Z$/, 'Z');

const metaFile = ({ version, text }: { version: number; text: string }): MetaFile =>
  new MetaFile({ version, length: Buffer.byteLength(text), hashes: { sha256: sha256(text) } });

function signed(metadata: Metadata<Snapshot> | Metadata<Timestamp>, key: KeyObject): string {
  const keyID = keyId(publicHex(key));
  metadata.sign((bytes) => new Signature({ keyID, sig: sign(null, bytes, key).toString('hex') }));
  return JSON.stringify(metadata.toJSON());
}

function makeTimestamp(snapshot: Doc<'snapshot'>, previous: number, signers: OnlinePair, nowMs: number) {
  const timestamp = new Timestamp({
    version: previous + 1,
    specVersion: SPEC_VERSION,
    expires: expiry(nowMs, TIMESTAMP_LIFE),
    snapshotMeta: metaFile(snapshot),
  });
  return readDoc('timestamp', 'timestamp', signed(new Metadata(timestamp), signers.timestamp));
}

/** The next snapshot and timestamp, in which `changed` replace their former versions. */
export function nextOnline(
  current: Online | undefined,
  changed: readonly Doc<'targets'>[],
  signers: OnlinePair,
  nowMs: number,
): Online {
  const meta = { ...current?.snapshot.meta.signed.meta };
  for (const doc of changed) meta[`${doc.role}.json`] = metaFile(doc);
  const body = new Snapshot({
    version: (current?.snapshot.version ?? 0) + 1,
    specVersion: SPEC_VERSION,
    expires: expiry(nowMs, SNAPSHOT_LIFE),
    meta,
  });
  const snapshot = readDoc('snapshot', 'snapshot', signed(new Metadata(body), signers.snapshot));
  return { snapshot, timestamp: makeTimestamp(snapshot, current?.timestamp.version ?? 0, signers, nowMs) };
}

/** What has to be signed again now because it is near its expiry; empty while nothing is. */
export function renewals(
  current: Online,
  signers: OnlinePair,
  nowMs: number,
): Doc<'snapshot' | 'timestamp'>[] {
  const left = (doc: Doc<'snapshot'> | Doc<'timestamp'>): number => doc.expires.getTime() - nowMs;
  if (left(current.snapshot) < SNAPSHOT_RENEWAL) {
    const { snapshot, timestamp } = nextOnline(current, [], signers, nowMs);
    return [snapshot, timestamp];
  }
  if (left(current.timestamp) < TIMESTAMP_RENEWAL)
    return [makeTimestamp(current.snapshot, current.timestamp.version, signers, nowMs)];
  return [];
}
