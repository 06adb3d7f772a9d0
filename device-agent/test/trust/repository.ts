/**
 * A TUF repository as publishers and server make one: ed25519 keys, consistent snapshots, a role for
 * each app, director keys in the top-level role. Answers the agent's requests like the server does.
 */
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import {
  Key,
  MetaFile,
  Metadata,
  Root,
  Signature,
  Snapshot,
  TargetFile,
  Targets,
  Timestamp,
} from '@tufjs/models';
import { Delegations } from '@tufjs/models/dist/delegations.js';
import { DelegatedRole, Role } from '@tufjs/models/dist/role.js';
import {
  AppName,
  CHUNK_BYTES,
  delegatedPaths,
  Digest,
  DIRECTOR_KEYS_TARGET,
  encodeFrame,
  floorTarget,
  keyId,
  publicHex,
  ReleaseCustom,
  releaseTarget,
  RESPONSE_BODY_BYTES,
  signDocument,
  tufKey,
  Version,
  type DesiredApp,
  type DesiredState,
  type DeviceId,
  type Request,
  type SignedDesired,
  type SignedTime,
  type TimeDocument,
} from '@wafer/protocol';
import type { Answer, Question, Requests } from '../../src/link/requests.ts';
import { DEVICE } from '../state/orders.ts';

const SPEC = '1.0.31';
const YEAR_MS = 365 * 86_400_000;
export const sha256 = (bytes: Uint8Array | string): Digest =>
  Digest.parse(createHash('sha256').update(bytes).digest('hex'));

export interface Signer {
  readonly id: string;
  readonly hex: string;
  readonly key: KeyObject;
}

export function newSigner(): Signer {
  const { privateKey } = generateKeyPairSync('ed25519');
  const hex = publicHex(privateKey);
  return { id: keyId(hex), hex, key: privateKey };
}

const modelKey = ({ id, hex }: Signer): Key => {
  const { keytype, scheme, keyval } = tufKey(hex);
  return new Key({ keyID: id, keyType: keytype, scheme, keyVal: { ...keyval } });
};

type Signed = Root | Timestamp | Snapshot | Targets;

function signed(body: Signed, ...signers: Signer[]): Buffer {
  const metadata = new Metadata(body);
  for (const { id, key } of signers) {
    metadata.sign((data) => new Signature({ keyID: id, sig: sign(null, data, key).toString('hex') }));
  }
  return Buffer.from(JSON.stringify(metadata.toJSON()));
}

export interface Published {
  readonly target: DesiredApp['target'];
  readonly custom: ReleaseCustom;
  readonly bytes: Buffer;
}

export class Repository {
  readonly keys = {
    root: newSigner(),
    targets: newSigner(),
    snapshot: newSigner(),
    timestamp: newSigner(),
    app: newSigner(),
    director: newSigner(),
  };
  /** Further keys of root, beside `keys.root`. */
  coRoots: Signer[] = [];
  rootThreshold = 1;
  /** Further keys of every app, beside `keys.app`. */
  coApps: Signer[] = [];
  appThreshold = 1;
  /** Metadata by the name under which it is asked for. */
  readonly files = new Map<string, Buffer>();
  readonly blobs = new Map<string, Buffer>();
  /** Hooks for attackers: what is answered instead. */
  alterMetadata: (name: string, bytes: Buffer) => Buffer | undefined = (_, bytes) => bytes;
  alterChunk: (digest: string, index: number, bytes: Buffer) => Buffer | undefined = (_, __, bytes) => bytes;
  tellTime: (document: TimeDocument) => SignedTime = (document) =>
    signDocument(document, this.keys.director.key);
  expires = new Date(Date.now() + YEAR_MS);
  asked: Question[] = [];
  /** Names of metadata that was given, asked for or as news. */
  readonly told = new Set<string>();
  /** What is newer than the asker's, in one answer. */
  tellsNews = true;
  /** Whether director keys stand in `custom`, or only in the target's content. */
  inlineDirectorKeys = true;
  readonly #roles = new Map<AppName, { version: number; targets: Record<string, TargetFile> }>();
  #rootVersion = 0;
  #targetsVersion = 0;
  #snapshotVersion = 0;
  #timestampVersion = 0;

  constructor({ rootKeys = 1, rootThreshold = 1 } = {}) {
    for (let further = 1; further < rootKeys; further += 1) this.coRoots.push(newSigner());
    this.rootThreshold = rootThreshold;
    this.rotateRoot();
    this.sign();
  }

  get root(): string {
    return this.files.get('1.root.json')!.toString('utf8');
  }

  get roots(): Signer[] {
    return [this.keys.root, ...this.coRoots];
  }

  rotateRoot(signers: Signer[] = this.roots): void {
    this.#rootVersion += 1;
    const role = (signer: Signer) => new Role({ keyIDs: [signer.id], threshold: 1 });
    const { targets, snapshot, timestamp } = this.keys;
    const body = new Root({
      version: this.#rootVersion,
      specVersion: SPEC,
      expires: this.#expiry(),
      consistentSnapshot: true,
      keys: Object.fromEntries([...this.roots, targets, snapshot, timestamp].map((k) => [k.id, modelKey(k)])),
      roles: {
        root: new Role({ keyIDs: this.roots.map(({ id }) => id), threshold: this.rootThreshold }),
        targets: role(targets),
        snapshot: role(snapshot),
        timestamp: role(timestamp),
      },
    });
    this.files.set(`${this.#rootVersion}.root.json`, signed(body, ...signers));
  }

  /** Signs a release; `sign` brings it into the repository. */
  publish(
    name: string,
    version: string,
    options: Partial<ReleaseCustom> & { bytes?: Buffer } = {},
  ): Published {
    const app = AppName.parse(name);
    const { bytes = Buffer.from(`${name} ${version} `.repeat(5000)), ...custom } = options;
    const digest = sha256(bytes);
    const chunks: Digest[] = [];
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
      chunks.push(sha256(bytes.subarray(at, at + CHUNK_BYTES)));
    const role = this.#roles.get(app) ?? { version: 0, targets: {} };
    const full = ReleaseCustom.parse({
      wafer: 1,
      app,
      version,
      counter: Object.keys(role.targets).length + 1,
      world: 'reactor',
      imports: [],
      exports: [],
      grants: {},
      memoryMiB: 8,
      chunks,
      ...custom,
    });
    const path = releaseTarget(app, Version.parse(version), digest);
    this.blobs.set(digest, bytes);
    this.addTarget(app, path, bytes.length, digest, full);
    return { target: { path, sha256: digest, length: bytes.length }, custom: full, bytes };
  }

  /** What the next `sign` counts on from: forwards as a thief would, or back as after a recovery. */
  countFrom(versions: { root?: number; targets?: number; snapshot?: number; timestamp?: number }): void {
    this.#rootVersion = versions.root ?? this.#rootVersion;
    this.#targetsVersion = versions.targets ?? this.#targetsVersion;
    this.#snapshotVersion = versions.snapshot ?? this.#snapshotVersion;
    this.#timestampVersion = versions.timestamp ?? this.#timestampVersion;
  }

  setFloor(name: string, floor: number): void {
    const app = AppName.parse(name);
    this.addTarget(app, floorTarget(app), 0, sha256(''), { wafer: 1, floor });
    this.sign();
  }

  addTarget(
    app: AppName,
    path: string,
    length: number,
    digest: string,
    custom: object,
    signers: Parameters<Repository['sign']>[0] = {},
  ): void {
    const role = this.#roles.get(app) ?? { version: 0, targets: {} };
    const file = TargetFile.fromJSON(path, {
      length,
      hashes: { sha256: digest },
      custom: { ...custom },
    });
    this.#roles.set(app, { version: role.version + 1, targets: { ...role.targets, [path]: file } });
    this.sign(signers);
  }

  dropTarget(app: AppName, path: string): void {
    const role = this.#roles.get(app)!;
    const { [path]: _, ...targets } = role.targets;
    this.#roles.set(app, { version: role.version + 1, targets });
    this.sign();
  }

  /** A new version of targets, snapshot and timestamp over everything there is. */
  sign({
    targetsSigner = this.keys.targets,
    appSigners = [this.keys.app, ...this.coApps],
    snapshotLength = undefined as number | undefined,
  } = {}): void {
    const meta: Record<string, MetaFile> = {};
    for (const [app, { version, targets }] of this.#roles) {
      const body = new Targets({ version, specVersion: SPEC, expires: this.#expiry(), targets });
      this.files.set(`${version}.${app}.json`, signed(body, ...appSigners));
      meta[`${app}.json`] = new MetaFile({ version });
    }
    this.#targetsVersion += 1;
    this.files.set(`${this.#targetsVersion}.targets.json`, signed(this.#targets(), targetsSigner));
    meta['targets.json'] = new MetaFile({ version: this.#targetsVersion });
    this.#snapshotVersion += 1;
    const snapshot = new Snapshot({
      version: this.#snapshotVersion,
      specVersion: SPEC,
      expires: this.#expiry(),
      meta,
    });
    this.files.set(`${this.#snapshotVersion}.snapshot.json`, signed(snapshot, this.keys.snapshot));
    this.#timestampVersion += 1;
    const timestamp = new Timestamp({
      version: this.#timestampVersion,
      specVersion: SPEC,
      expires: this.#expiry(),
      snapshotMeta: new MetaFile({
        version: this.#snapshotVersion,
        ...(snapshotLength === undefined ? {} : { length: snapshotLength }),
      }),
    });
    this.files.set('timestamp.json', signed(timestamp, this.keys.timestamp));
  }

  /** A director's document; `by` stands for whoever signs it. */
  desired(
    device: DeviceId,
    version: number,
    apps: DesiredApp[],
    { by = this.keys.director, expiresInMs = 86_400_000, now = Date.now() } = {},
  ): SignedDesired {
    const document: DesiredState = {
      _type: 'wafer-desired',
      protocol: 1,
      device,
      version,
      issued: new Date(now).toISOString(),
      expires: new Date(now + expiresInMs).toISOString(),
      apps,
    };
    return signDocument(document, by.key);
  }

  readonly requests: Pick<Requests, 'ask'> = {
    ask: async (question, signal): Promise<Answer> => {
      signal?.throwIfAborted();
      const frame = this.answer({ id: 1, ...question });
      const length = frame.readUInt16BE(0);
      const header = JSON.parse(frame.toString('utf8', 2, 2 + length));
      const body = frame.subarray(2 + length);
      return header.status === 'ok' ? { status: 'ok', header, body } : { status: 'error', code: header.code };
    },
  };

  /** The response frame that the server would send. */
  answer(request: Request): Buffer {
    const { id } = request;
    this.asked.push(request);
    const body = this.#body(request);
    if (body === undefined) return encodeFrame({ id, status: 'error', code: 'not-found' }, Buffer.alloc(0));
    return encodeFrame({ id, status: 'ok', ...body.header }, body.bytes);
  }

  #body(request: Request) {
    switch (request.want) {
      case 'metadata':
        return this.#metadata(request);
      case 'news':
        return this.#news(request);
      case 'chunk':
        return this.#chunk(request);
      case 'time': {
        const time = this.tellTime({
          _type: 'wafer-time',
          device: DEVICE,
          nonce: request.nonce,
          time: new Date().toISOString(),
        });
        return { bytes: Buffer.from(JSON.stringify(time)), header: { encoding: 'identity' } };
      }
    }
  }

  #metadata({ name, offset }: Extract<Request, { want: 'metadata' }>) {
    const file = this.files.get(name);
    const bytes = file === undefined ? undefined : this.alterMetadata(name, file);
    if (bytes === undefined) return undefined;
    this.told.add(name);
    return {
      bytes: bytes.subarray(offset, offset + RESPONSE_BODY_BYTES),
      header: { total: bytes.length, encoding: 'identity' },
    };
  }

  /** Undefined from a server that does not know of news. */
  #news({ known }: Extract<Request, { want: 'news' }>) {
    if (!this.tellsNews) return undefined;
    const newest = [...this.#roles].map(([app, { version }]) => `${version}.${app}.json`);
    const names = [
      `${(known['root'] ?? 0) + 1}.root.json`,
      'timestamp.json',
      `${this.#snapshotVersion}.snapshot.json`,
      `${this.#targetsVersion}.targets.json`,
      ...newest,
    ];
    const told = names.map((name) => {
      const file = this.files.get(name);
      return { name, file: file === undefined ? undefined : this.alterMetadata(name, file) };
    });
    const files = told.map(({ name, file }) => ({ name, bytes: file?.length ?? 0 }));
    const bytes = Buffer.concat(told.flatMap(({ file }) => file ?? []));
    if (bytes.length > RESPONSE_BODY_BYTES) return undefined;
    for (const name of names) this.told.add(name);
    return { bytes, header: { files, encoding: 'identity' } };
  }

  #chunk({ digest, index }: Extract<Request, { want: 'chunk' }>) {
    const blob = this.blobs.get(digest)?.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
    const bytes = blob === undefined ? undefined : this.alterChunk(digest, index, Buffer.from(blob));
    return bytes && { bytes: zstdCompressSync(bytes), header: { encoding: 'zstd' } };
  }

  #targets(): Targets {
    const { director } = this.keys;
    const appKeys = [this.keys.app, ...this.coApps];
    const directorKeys = { wafer: 1, keys: { [director.id]: director.hex } };
    const content = Buffer.from(JSON.stringify(directorKeys));
    const hash = sha256(content);
    this.blobs.set(hash, content);
    const roles = [...this.#roles.keys()].map(
      (name) =>
        new DelegatedRole({
          name,
          keyIDs: appKeys.map(({ id }) => id),
          threshold: this.appThreshold,
          terminating: true,
          paths: delegatedPaths(name),
        }),
    );
    return new Targets({
      version: this.#targetsVersion,
      specVersion: SPEC,
      expires: this.#expiry(),
      targets: {
        [DIRECTOR_KEYS_TARGET]: TargetFile.fromJSON(DIRECTOR_KEYS_TARGET, {
          length: content.length,
          hashes: { sha256: hash },
          ...(this.inlineDirectorKeys ? { custom: directorKeys } : {}),
        }),
      },
      delegations: new Delegations({
        keys: Object.fromEntries(appKeys.map((key) => [key.id, modelKey(key)])),
        roles: Object.fromEntries(roles.map((role) => [role.name, role])),
      }),
    });
  }

  #expiry(): string {
    return this.expires.toISOString().replace(/\.\d{3}Z$/, 'Z');
  }
}
