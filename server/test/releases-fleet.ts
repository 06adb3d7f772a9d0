/**
 * Releases, channels and rollouts on a database of their own, with the real app in front of them.
 * The bus keeps what is published and hands in what a device would send.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DeviceId,
  decodeFrame,
  parseUpTopic,
  type ChannelName,
  type LiveEvent,
  type Role,
} from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { app as createApp } from '../src/app.ts';
import { SERVER_ACTOR } from '../src/audit/index.ts';
import { channelsPlugin } from '../src/channels/index.ts';
import type { Config } from '../src/config.ts';
import type { Deps } from '../src/deps.ts';
import { textArray } from '../src/db/values.ts';
import { boardsPlugin } from '../src/boards/index.ts';
import { groupsPlugin } from '../src/groups/index.ts';
import { createToken, openAuthority, openPeople } from '../src/identity/index.ts';
import type { Bus, Incoming, UpKind } from '../src/mqtt/bus.ts';
import { loadSigners, onlineKeys, releasesPlugin } from '../src/releases/index.ts';
import { rolloutEngine } from '../src/rollouts/engine/index.ts';
import { pinsPlugin } from '../src/rollouts/pins/index.ts';
import { openRolloutsNaming, rolloutsPlugin } from '../src/rollouts/index.ts';
import { openVault, secretsPlugin } from '../src/secrets/index.ts';
import {
  freshDatabase,
  quietLog,
  readStored,
  temporaryFolder,
  testClock,
  testConfig,
  type TestClock,
  type TestDatabase,
} from './harness.ts';
import { Publisher, reactor, type Component, type ReleaseOptions } from './releases-publisher.ts';

interface Published {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
}

class TestBus implements Bus {
  readonly published: Published[] = [];
  readonly #handlers = new Map<UpKind, (message: Incoming) => Promise<void>>();
  /** Held back while set; for tests of what happens meanwhile. */
  gate: Promise<void> | undefined;
  broken = false;

  async publish(topic: string, payload: Buffer | string, { qos }: { qos: 0 | 1 }): Promise<void> {
    await this.gate;
    if (this.broken) throw new Error('the broker is away');
    this.published.push({ topic, payload: Buffer.from(payload as string), qos });
  }
  onMessage(kind: UpKind, handler: (message: Incoming) => Promise<void>): void {
    this.#handlers.set(kind, handler);
  }
  onPresence(): void {}
  onDoubled(): void {}
  async disconnect(): Promise<void> {}
  online(): readonly DeviceId[] {
    return [];
  }
  async close(): Promise<void> {}

  /** As the broker does it: to the one handler of the topic's kind. */
  async send(device: DeviceId, leaf: UpKind, body: unknown): Promise<void> {
    const topic = parseUpTopic(`wafer/v1/d/${device}/${leaf}`);
    if (topic === undefined) throw new Error(`no topic ${leaf}`);
    const payload = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    await this.#handlers.get(topic.kind)?.({ device, topic, payload });
  }

  /** Sends a request and gives the frame that answers it. */
  async ask(device: DeviceId, request: Record<string, unknown>) {
    const before = this.published.length;
    await this.send(device, 'request', { id: 1, ...request });
    const answer = this.published.slice(before).find(({ topic }) => topic.endsWith(`${device}/response`));
    const frame = answer && decodeFrame(answer.payload);
    if (frame === undefined) throw new Error('no answer');
    return { header: frame.header as Record<string, unknown>, body: Buffer.from(frame.body) };
  }

  desiredOf(device: DeviceId) {
    return this.published
      .filter(({ topic }) => topic === `wafer/v1/d/${device}/desired`)
      .map(({ payload }) => JSON.parse(payload.toString()));
  }
}

export interface Fleet {
  readonly app: FastifyInstance;
  readonly bus: TestBus;
  readonly clock: TestClock;
  readonly database: TestDatabase;
  readonly deps: Deps;
  readonly live: LiveEvent[];
  readonly publisher: Publisher;
  /** Value of an Authorization header. */
  as(role: Role): string;
  call(
    method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    more?: CallOptions,
  ): Promise<Answer>;
  upload(made: Component): Promise<Answer>;
  /** Adds the app to the publisher and to its next targets where it is new, uploads, publishes. */
  publish(app: string, version: string, made?: Component, options?: ReleaseOptions): Promise<Answer>;
  move(
    channel: string,
    app: string,
    body: object | string,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  enrol(...channels: string[]): Promise<DeviceId>;
  rows<Row extends Record<string, unknown>>(query: ReturnType<typeof sql>): Promise<Row[]>;
  close(): Promise<void>;
}

interface CallOptions {
  readonly role?: Role | 'nobody';
  readonly headers?: Record<string, string>;
}
// oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by assertions
type Answer = { status: number; body: any; headers: Record<string, unknown> };

export const newDeviceId = (): DeviceId =>
  DeviceId.parse(
    `d-${[...randomBytes(16)].map((byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte % 32]).join('')}`,
  );

/** With `trusted`, root and first targets are in place. */
export async function fleet(
  options: { trusted?: boolean; config?: Partial<Config>; log?: Deps['log'] } = {},
): Promise<Fleet> {
  const database = await freshDatabase();
  const folder = await temporaryFolder();
  const config = testConfig(folder, options.config);
  const clock = testClock();
  const { db } = database;
  const bus = new TestBus();
  const live: LiveEvent[] = [];
  const deps: Deps = {
    config,
    clock,
    db,
    bus,
    log: options.log ?? quietLog,
    live: { publish: (event) => void live.push(event), subscribe: () => () => undefined },
    authority: await openAuthority({ config, clock, db }),
    signers: await loadSigners(join(folder, 'server', 'keys')),
    vault: await openVault(folder),
  };
  const people = await openPeople({
    config,
    db,
    clock,
    log: quietLog,
    secret: 'a secret for tests, 32 octets long',
  });
  const contexts = [
    releasesPlugin(deps),
    channelsPlugin(deps),
    boardsPlugin(deps),
    groupsPlugin(deps, { openRolloutsNaming }),
    rolloutsPlugin(deps),
    // Tests look when they want it looked at.
    rolloutEngine(deps, { looks: false }),
    pinsPlugin(deps),
    secretsPlugin(deps),
  ];
  const app = await createApp(deps, { people, dashboard: () => 'http://x', contexts });
  const tokens = new Map<string, string>();
  for (const role of ['viewer', 'operator', 'admin'] as const)
    tokens.set(role, (await createToken({ db, clock }, { name: role, role }, SERVER_ACTOR)).token);

  const publisher = new Publisher(onlineKeys(deps.signers));
  const self: Fleet = {
    app,
    bus,
    clock,
    database,
    deps,
    live,
    publisher,
    as: (role) => `Bearer ${tokens.get(role)}`,
    async call(method, path, body, { role = 'admin', headers = {} } = {}) {
      const request: InjectOptions = { method, url: `/api/v1${path}`, headers: { ...headers } };
      if (role !== 'nobody') Object.assign(request.headers as object, { authorization: self.as(role) });
      if (body !== undefined) request.payload = body as object;
      const response = await app.inject(request);
      const isJson = `${response.headers['content-type']}`.includes('json');
      return {
        status: response.statusCode,
        body: isJson ? response.json() : response.body,
        headers: response.headers,
      };
    },
    upload: (made) =>
      self.call('PUT', `/blobs/${made.digest}`, made.bytes, {
        headers: { 'content-type': 'application/octet-stream' },
      }),
    async publish(name, version, given, more) {
      const isNew = !publisher.appKeys.has(name);
      if (isNew) publisher.addApp(name);
      const made = given ?? (await reactor(`${name} ${version}`));
      await self.upload(made);
      const { request, keep } = publisher.release(name, version, made, more);
      const body = isNew ? { ...request, targets: publisher.targets() } : request;
      const answer = await self.call('POST', '/releases', body);
      if (answer.status === 201) keep();
      return answer;
    },
    move: (channel, name, body, headers = {}) =>
      self.call(
        'PUT',
        `/channels/${channel}/apps/${name}`,
        typeof body === 'string' ? { version: body } : body,
        {
          role: 'operator',
          headers,
        },
      ),
    async enrol(...channels) {
      const id = newDeviceId();
      await db.execute(sql`insert into devices (id, name, arch, channels, enrolled)
        values (${id}, ${`board ${randomUUID()}`}, 'x64', ${textArray(channels as ChannelName[])}, now())`);
      return id;
    },
    rows: (query) => readStored(db, query),
    async close() {
      await app.close();
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  if (options.trusted !== false) {
    const { status, body } = await self.call('POST', '/trust', publisher.init());
    if (status !== 201) throw new Error(`trust was refused: ${JSON.stringify(body)}`);
  }
  return self;
}
