/**
 * A server for the CLI's tests: the API's publishing half over real HTTP, in memory. It parses what
 * comes in with the protocol's schemas, keeps every version of every role, and signs snapshot and
 * timestamp as the real one does. It verifies nothing: what the CLI sends is judged by tuf-js.
 */
import {
  canonicalBytes,
  CreateClaim,
  CreateRelease,
  ERRORS,
  type ErrorCode,
  InitTrust,
  keyId,
  MoveChannel,
  NextMetadata,
  type OnlineKeys,
  publicHex,
  SetSecret,
  signDocument,
  type SignedMetadata,
  WaferError,
} from '@wafer/protocol';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export const TOKEN = 'token-of-the-test';
const FAR = '2100-01-01T00:00:00Z';

const makeKey = () => generateKeyPairSync('ed25519').privateKey;

type Reply = { status: number; body: unknown };

export class FleetServer {
  readonly keys = { snapshot: makeKey(), timestamp: makeKey(), director: makeKey() };
  /** Successors that were asked for. */
  next: Record<'snapshot' | 'timestamp' | 'director', ReturnType<typeof makeKey>> | undefined;
  /** role → versions, oldest first. */
  readonly roles = new Map<string, SignedMetadata[]>();
  readonly blobs = new Map<string, Buffer>();
  readonly channels = new Map<string, unknown>();
  readonly requests: string[] = [];
  /** Everything that came in bodies. */
  readonly received: Buffer[] = [];
  /** `app/name` or `app/name?channel=…` → value. */
  readonly secrets = new Map<string, string>();
  /** Answers instead of the route when it gives something; for hostile and failing servers. */
  intercept: ((request: IncomingMessage, path: string) => Reply | undefined) | undefined;
  #server: Server | undefined;

  get onlineKeys(): OnlineKeys {
    const director = publicHex(this.keys.director);
    return {
      snapshot: publicHex(this.keys.snapshot),
      timestamp: publicHex(this.keys.timestamp),
      director: { wafer: 1, keys: { [keyId(director)]: director } },
      ...(this.next === undefined
        ? {}
        : {
            next: {
              snapshot: publicHex(this.next.snapshot),
              timestamp: publicHex(this.next.timestamp),
              director: publicHex(this.next.director),
            },
          }),
    };
  }

  /** Resolves to its origin. */
  async listen(tls?: { key: string; cert: string }): Promise<string> {
    const handle: RequestListener = (request, response) => {
      void this.#answer(request).then(({ status, body }) => {
        response.writeHead(status, {
          'content-type': status < 400 ? 'application/json' : 'application/problem+json',
        });
        response.end(body === undefined ? undefined : JSON.stringify(body));
      });
    };
    const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
    this.#server = server;
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((done) => this.#server?.close(done));
  }

  latest(role: string): SignedMetadata {
    const found = this.roles.get(role)?.at(-1);
    if (found === undefined) throw new WaferError('request.not-found', `no role ${role}`);
    return found;
  }

  /** File name → bytes, as a TUF client asks for them (consistent snapshots). */
  tufFiles(): Map<string, Buffer> {
    const files = new Map<string, Buffer>();
    const meta: Record<string, { version: number }> = {};
    for (const [role, versions] of this.roles) {
      for (const each of versions)
        files.set(`${String(each.signed['version'])}.${role}.json`, Buffer.from(JSON.stringify(each)));
      if (role !== 'root') meta[`${role}.json`] = { version: versions.length };
    }
    const common = { spec_version: '1.0.31', version: 1, expires: FAR };
    const snapshot = signDocument({ _type: 'snapshot', ...common, meta }, this.#named('snapshot'));
    const timestamp = signDocument(
      { _type: 'timestamp', ...common, meta: { 'snapshot.json': { version: 1 } } },
      this.#named('timestamp'),
    );
    files.set('1.snapshot.json', Buffer.from(JSON.stringify(snapshot)));
    files.set('timestamp.json', Buffer.from(JSON.stringify(timestamp)));
    for (const [digest, bytes] of this.blobs) files.set(digest, bytes);
    const keys = canonicalBytes(this.onlineKeys.director);
    files.set(createHash('sha256').update(keys).digest('hex'), keys);
    return files;
  }

  async #answer(request: IncomingMessage): Promise<Reply> {
    const path = decodeURIComponent((request.url ?? '').replace('/api/v1', ''));
    this.requests.push(`${request.method} ${path}`);
    const body = await buffer(request);
    this.received.push(body);
    try {
      const intercepted = this.intercept?.(request, path);
      if (intercepted) return intercepted;
      if (request.headers.authorization !== `Bearer ${TOKEN}`)
        throw new WaferError('auth.required', 'the token is not known');
      return this.#route(`${request.method} ${path.replace(/\?.*/, '')}`, body);
    } catch (error) {
      return error instanceof WaferError
        ? problem(error.code, error.message)
        : problem('request.invalid', String(error));
    }
  }

  #route(route: string, body: Buffer): Reply {
    const json = (): unknown => JSON.parse(body.toString('utf8'));
    const [, name = '', second = ''] =
      /^\w+ \/\w[\w-]*\/(?:roles\/)?([^/]+)(?:\/apps\/([^/]+))?$/.exec(route) ?? [];
    if (route === 'GET /me') return ok({ name: 'admin', role: 'admin', via: 'token' });
    if (route === 'GET /trust/online-keys') return ok(this.onlineKeys);
    if (route === 'GET /trust/status')
      return ok({
        initialised: this.roles.has('root'),
        versions: Object.fromEntries([...this.roles].map(([role, all]) => [role, all.length])),
        expires: {},
      });
    if (route === 'POST /trust') return this.#init(InitTrust.parse(json()));
    if (route === 'POST /trust/metadata') return this.#next(NextMetadata.parse(json()));
    if (route === 'POST /trust/online-keys') return this.#rotate();
    if (route.startsWith('GET /trust/metadata/')) return this.#metadata(route.split('/').at(-1) ?? '');
    if (route.startsWith('GET /trust/roles/')) return ok(this.#roleText(name));
    if (route.startsWith('PUT /blobs/')) {
      this.blobs.set(name, body);
      return ok({ digest: createHash('sha256').update(body).digest('hex'), length: body.length });
    }
    if (route === 'POST /releases') return this.#release(CreateRelease.parse(json()));
    if (route.startsWith('PUT /channels/')) {
      const move = MoveChannel.parse(json());
      this.channels.set(`${name}/${second}`, move);
      return ok({ channel: name, app: second, version: move.version, devices: 1 });
    }
    if (/^\w+ \/apps\//.test(route)) return this.#secret(route, json);
    if (route === 'POST /claim-tokens') {
      const { uses } = CreateClaim.parse(json());
      const token = `wafer1.${'a'.repeat(43)}.${'b'.repeat(43)}`;
      const id = '00000000-0000-4000-8000-000000000000';
      return ok({ id, token, uses, expires: '2026-11-22T00:00:00.000Z', server: 'https://127.0.0.1:8443' });
    }
    if (
      /^(POST \/devices\/[^/]+\/revoke|DELETE \/(claim-tokens\/[^/]+|devices\/[^/]+\/(rest|pins\/[^/]+)))$/.test(
        route,
      )
    )
      return { status: 204, body: undefined };
    if (route === 'POST /sign-in-links')
      return ok({ url: 'http://127.0.0.1:8080/sign-in?token=x', expires: '2026-11-22T00:00:00.000Z' });
    throw new WaferError('request.not-found', route);
  }

  #secret(route: string, json: () => unknown): Reply {
    const [, method, app = '', name = ''] = /^(\w+) \/apps\/([^/]+)\/secrets\/?(.*)$/.exec(route) ?? [];
    if (method === 'GET') {
      const items = [...this.secrets.keys()].map((key) => ({
        app,
        name: key.split(/[/?]/)[1],
        channel: /channel=(.*)$/.exec(key)?.[1] ?? null,
        set: '2026-11-21T09:00:00.000Z',
        by: 'user:admin',
      }));
      return ok({ items });
    }
    const body = method === 'PUT' ? SetSecret.parse(json()) : undefined;
    const query = /\?.*$/.exec(this.requests.at(-1) ?? '')?.[0] ?? '';
    const channel = body === undefined ? /channel=(.*)$/.exec(query)?.[1] : body.channel;
    const key = `${app}/${name}${channel === undefined ? '' : `?channel=${channel}`}`;
    if (body !== undefined) this.secrets.set(key, body.base64 ?? '');
    else if (!this.secrets.delete(key)) return problem('secret.not-found', `There is no secret ${name}.`);
    return ok({ app, name, channel: channel ?? null, devices: 2 });
  }

  #roleText(role: string): object {
    const latest = this.latest(role);
    return { role, version: this.roles.get(role)?.length, content: JSON.stringify(latest) };
  }

  #init({ root, targets }: { root: SignedMetadata; targets: SignedMetadata }): Reply {
    if (this.roles.has('root')) return problem('trust.version-conflict', 'there is a root already');
    this.roles.set('root', [root]);
    this.roles.set('targets', [targets]);
    return ok({});
  }

  /** The key of ours that the newest root names for the role. */
  #named(role: 'snapshot' | 'timestamp') {
    const { keyids } = (this.latest('root').signed['roles'] as Record<string, { keyids: string[] }>)[
      role
    ] ?? {
      keyids: [],
    };
    const found = [this.keys[role], this.next?.[role]].find(
      (key) => key !== undefined && keyids.includes(keyId(publicHex(key))),
    );
    if (found === undefined) throw new Error(`root names no key of this server for ${role}`);
    return found;
  }

  /** `2.root.json` */
  #metadata(name: string): Reply {
    const [version, role = ''] = name.split('.');
    const found = this.roles.get(role)?.[Number(version) - 1];
    if (found === undefined) throw new WaferError('request.not-found', `no ${name}`);
    return ok(found);
  }

  #next({ root, targets, roles }: ReturnType<typeof NextMetadata.parse>): Reply {
    const sent = Object.entries({ root, targets, ...roles }).filter(([, next]) => next !== undefined);
    for (const [role, next] of sent)
      if (next?.signed['version'] !== (this.roles.get(role)?.length ?? 0) + 1)
        return problem('trust.version-conflict', `${role}: somebody else was first`);
    for (const [role, next] of sent)
      if (next !== undefined) this.roles.set(role, [...(this.roles.get(role) ?? []), next]);
    return ok({});
  }

  #rotate(): Reply {
    this.next ??= { snapshot: makeKey(), timestamp: makeKey(), director: makeKey() };
    return ok(this.onlineKeys);
  }

  #release({ app, version, digest, role, targets }: CreateReleaseBody): Reply {
    const taken = (name: string, next: SignedMetadata) =>
      next.signed['version'] !== (this.roles.get(name)?.length ?? 0) + 1;
    if (!this.blobs.has(digest)) return problem('component.missing', 'upload it first');
    if (taken(app, role) || (targets && taken('targets', targets)))
      return problem('trust.version-conflict', 'somebody else was first');
    if (targets) this.roles.get('targets')?.push(targets);
    this.roles.set(app, [...(this.roles.get(app) ?? []), role]);
    const found = Object.values(
      role.signed['targets'] as Record<string, { length: number; custom: object }>,
    ).at(-1);
    return ok({
      ...found?.custom,
      app,
      version,
      digest,
      length: found?.length,
      channels: [],
      signers: role.signatures.map(({ keyid }) => keyid),
      published: '2026-11-21T00:00:00.000Z',
    });
  }
}

type CreateReleaseBody = ReturnType<typeof CreateRelease.parse>;

const ok = (body: unknown): Reply => ({ status: 200, body });

export const problem = (code: ErrorCode, detail: string): Reply => ({
  status: ERRORS[code].status,
  body: {
    type: `urn:wafer:error:${code}`,
    title: ERRORS[code].title,
    status: ERRORS[code].status,
    detail,
    code,
  },
});
