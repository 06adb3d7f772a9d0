/** A publisher as tests need one: offline keys, TUF metadata built with @tufjs/models, components. */
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { Metadata, MetadataKind, Signature, type Root, type Targets } from '@tufjs/models';
import {
  AppName,
  CHUNK_BYTES,
  DIRECTOR_KEYS_TARGET,
  canonicalBytes,
  delegatedPaths,
  floorTarget,
  keyId,
  publicHex,
  releaseTarget,
  tufKey,
  type Digest,
  type Grants,
  type OnlineKeys,
  type SignedMetadata,
  type Version,
} from '@wafer/protocol';

export const sha256 = (bytes: Uint8Array): Digest =>
  createHash('sha256').update(bytes).digest('hex') as Digest;
export const newKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey;
export const idOf = (key: KeyObject): string => keyId(publicHex(key));

/** Signs with @tufjs/models, as a publisher's tool does. */
export function signed(body: Record<string, unknown>, ...keys: KeyObject[]): SignedMetadata {
  const raw = { signed: body, signatures: [] } as never;
  const metadata: Metadata<Root> | Metadata<Targets> =
    body['_type'] === 'root'
      ? Metadata.fromJSON(MetadataKind.Root, raw)
      : Metadata.fromJSON(MetadataKind.Targets, raw);
  for (const key of keys)
    metadata.sign(
      (bytes) => new Signature({ keyID: idOf(key), sig: sign(null, bytes, key).toString('hex') }),
    );
  return metadata.toJSON() as unknown as SignedMetadata;
}

const keyMap = (keys: readonly KeyObject[]): Record<string, unknown> =>
  Object.fromEntries(keys.map((key) => [idOf(key), tufKey(publicHex(key))]));

const EXPIRES = '2099-01-01T00:00:00Z';
const head = (type: string, version: number) => ({
  _type: type,
  spec_version: '1.0.31',
  version,
  expires: EXPIRES,
});

export interface Component {
  readonly bytes: Buffer;
  readonly digest: Digest;
}

const REACTOR = `(component
  (import "wasi:logging/logging@0.1.0-draft" (instance (export "log" (func (param "context" string)))))
  (import "wasi:clocks/wall-clock@0.2.12" (instance))
  (core module $m (func (export "start")))
  (core instance $i (instantiate $m))
  (func $start (canon lift (core func $i "start")))
  (instance $life (export "start" (func $start)))
  (export "wafer:app/lifecycle@0.1.0" (instance $life)))`;

export const IMPORTS = ['wasi:clocks/wall-clock@0.2.12', 'wasi:logging/logging@0.1.0-draft'];
const EXPORTS = ['wafer:app/lifecycle@0.1.0'];

const uleb = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...uleb(value >>> 7)];

export const component = (bytes: Uint8Array): Component => ({
  bytes: Buffer.from(bytes),
  digest: sha256(bytes),
});

export const fromWat = async (wat: string): Promise<Component> => component(await parse(wat));

/** A genuine reactor; `label` and `padding` (bytes, incompressible) make it differ from others. */
export async function reactor(label: string, padding = 0): Promise<Component> {
  const filler: Buffer[] = [Buffer.from(label)];
  for (let left = padding; left > 0; left -= 32)
    filler.push(Buffer.from(sha256(Buffer.from(`${label}${left}`)), 'hex'));
  // A custom section (core specification 5.5.3): id 0, size, name, content.
  const content = Buffer.concat([Buffer.from([1, 0x78]), ...filler]);
  const section = Buffer.concat([Buffer.from([0, ...uleb(content.length)]), content]);
  return component(Buffer.concat([await parse(REACTOR), section]));
}

const chunkDigests = (bytes: Buffer): Digest[] =>
  Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, index) =>
    sha256(bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES)),
  );

export interface ReleaseOptions {
  readonly grants?: Grants;
  readonly counter?: number;
  readonly imports?: string[];
  readonly exports?: string[];
  readonly chunks?: Digest[];
  readonly world?: string;
  readonly memoryMiB?: number;
}

/** Holds the offline keys, and what was signed last. */
export class Publisher {
  readonly rootKeys = [newKey(), newKey()];
  readonly targetsKey = newKey();
  readonly appKeys = new Map<string, KeyObject>();
  /** A second key of an app, which then takes both; for those that have one. */
  readonly coAppKeys = new Map<string, KeyObject>();
  readonly roles = new Map<string, { version: number; targets: Record<string, unknown> }>();
  readonly online: OnlineKeys;
  rootVersion = 0;
  targetsVersion = 0;

  constructor(online: OnlineKeys) {
    this.online = online;
  }

  rootBody(
    version = this.rootVersion + 1,
  ): Record<string, unknown> & { roles: Record<string, { keyids: string[]; threshold: number }> } {
    const role = (ids: string[], threshold = 1) => ({ keyids: ids, threshold });
    const { snapshot, timestamp } = this.online;
    return {
      ...head('root', version),
      consistent_snapshot: true,
      keys: {
        ...keyMap([...this.rootKeys, this.targetsKey]),
        [keyId(snapshot)]: tufKey(snapshot),
        [keyId(timestamp)]: tufKey(timestamp),
      },
      roles: {
        root: role(this.rootKeys.map(idOf), 2),
        targets: role([idOf(this.targetsKey)]),
        snapshot: role([keyId(snapshot)]),
        timestamp: role([keyId(timestamp)]),
      },
    };
  }

  root(version = this.rootVersion + 1): SignedMetadata {
    this.rootVersion = version;
    return signed(this.rootBody(version), ...this.rootKeys);
  }

  targetsBody(version = this.targetsVersion + 1): Record<string, unknown> {
    const content = canonicalBytes(this.online.director);
    return {
      ...head('targets', version),
      targets: {
        [DIRECTOR_KEYS_TARGET]: {
          length: content.length,
          hashes: { sha256: sha256(content) },
          custom: this.online.director,
        },
      },
      delegations: {
        keys: keyMap([...this.appKeys.values(), ...this.coAppKeys.values()]),
        roles: [...this.appKeys.keys()].map((name) => ({
          name,
          keyids: this.keysOf(name).map(idOf),
          threshold: this.keysOf(name).length,
          terminating: true,
          paths: delegatedPaths(AppName.parse(name)),
        })),
      },
    };
  }

  targets(): SignedMetadata {
    const body = this.targetsBody();
    this.targetsVersion += 1;
    return signed(body, this.targetsKey);
  }

  init(): { root: SignedMetadata; targets: SignedMetadata } {
    return { root: this.root(), targets: this.targets() };
  }

  addApp(app: string): void {
    this.appKeys.set(app, newKey());
    this.roles.set(app, { version: 0, targets: {} });
  }

  target(app: string, version: string, made: Component, options: ReleaseOptions = {}): [string, unknown] {
    const releases = Object.keys(this.roles.get(app)?.targets ?? {}).filter(
      (path) => path !== floorTarget(app as AppName),
    );
    const custom = {
      wafer: 1,
      app,
      version,
      counter: options.counter ?? releases.length + 1,
      world: options.world ?? 'reactor',
      imports: options.imports ?? IMPORTS,
      exports: options.exports ?? EXPORTS,
      grants: options.grants ?? { clock: true },
      memoryMiB: options.memoryMiB ?? 16,
      chunks: options.chunks ?? chunkDigests(made.bytes),
    };
    const path = releaseTarget(app as AppName, version as Version, made.digest);
    return [path, { length: made.bytes.length, hashes: { sha256: made.digest }, custom }];
  }

  role(app: string, version: number, targets: Record<string, unknown>, ...keys: KeyObject[]): SignedMetadata {
    const signers = keys.length > 0 ? keys : this.keysOf(app);
    return signed({ ...head('targets', version), targets }, ...signers);
  }

  keysOf(app: string): KeyObject[] {
    return [this.appKeys.get(app), this.coAppKeys.get(app)].filter((key) => key !== undefined);
  }

  /** The request that publishes a release as it should be; the caller keeps it with `keep` if it was accepted. */
  release(app: string, version: string, made: Component, options: ReleaseOptions = {}) {
    const held = this.roles.get(app) ?? { version: 0, targets: {} };
    const [path, target] = this.target(app, version, made, options);
    const targets = { ...held.targets, [path]: target };
    return {
      request: { app, version, digest: made.digest, role: this.role(app, held.version + 1, targets) },
      keep: (): void => void this.roles.set(app, { version: held.version + 1, targets }),
    };
  }
}
