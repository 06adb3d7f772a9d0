/** A server of the contexts devices and telemetry, with a database, a broker and an API of its own. */
import { deviceTopic, type DeviceId, type Hello, type LiveEvent, type Role } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { MqttClient } from 'mqtt';
import type { Deps } from '../src/deps.ts';
import { devices, type OnHello } from '../src/devices/index.ts';
import { answerProblems } from '../src/http/problems.ts';
import { createLiveHub } from '../src/live/index.ts';
import { telemetry } from '../src/telemetry/index.ts';
import {
  freshDatabase,
  quietLog,
  readStored,
  testClock,
  type TestClock,
  type TestDatabase,
} from './harness.ts';
import { newDeviceId } from './mqtt-certificates.ts';
import { Collected, createLink, type Link } from './mqtt-link.ts';

export const EXECUTION = '3f1b5f0e-5f0c-4f57-9d0b-6f8f8f0c5d11';

export const hello = (more: Partial<Hello> = {}): Hello => ({
  protocol: 1,
  boot: '3f1b5f0e-5f0c-4f57-9d0b-6f8f8f0c5d22',
  agent: '0.1.0',
  arch: 'riscv64',
  os: 'linux 6.6',
  hostname: 'greenhouse',
  board: 'a board',
  cores: 2,
  memoryBytes: 1_000_000,
  node: 'v24.15.0',
  desiredVersion: 0,
  ...more,
});

export class Fleet {
  readonly database: TestDatabase;
  readonly link: Link;
  readonly clock: TestClock;
  readonly app: FastifyInstance;
  readonly deps: Deps;
  readonly hints: LiveEvent[] = [];
  /** Of whoever asks the API. */
  role: Role = 'admin';

  private constructor(database: TestDatabase, link: Link, clock: TestClock) {
    this.database = database;
    this.link = link;
    this.clock = clock;
    this.app = fastify();
    const live = createLiveHub();
    live.subscribe((event) => this.hints.push(event));
    this.deps = { clock, log: quietLog, db: database.db, bus: link.bus, live } as unknown as Deps;
  }

  static async open(onHello: OnHello = async () => undefined): Promise<Fleet> {
    const clock = testClock();
    const fleet = new Fleet(await freshDatabase(), await createLink({ clock }), clock);
    const { app } = fleet;
    app.setValidatorCompiler(validatorCompiler);
    app.setSerializerCompiler(serializerCompiler);
    answerProblems(app);
    app.decorateRequest('actor', null);
    app.decorate('authenticate', async () => ({
      name: 'someone',
      role: fleet.role,
      via: 'token' as const,
      person: null,
    }));
    await app.register(devices(fleet.deps, { onHello }));
    await app.register(telemetry(fleet.deps));
    await app.ready();
    return fleet;
  }

  /** A device as enrolment leaves it. */
  async enrol(
    more: { name?: string; tags?: Record<string, string>; group?: string } = {},
  ): Promise<DeviceId> {
    const id = newDeviceId();
    await this.database.db.execute(sql`
      insert into devices (id, name, arch, enrolled, tags, group_name)
      values (${id}, ${more.name ?? id}, 'x64', ${new Date(this.clock.now()).toISOString()}::timestamptz,
              ${JSON.stringify(more.tags ?? {})}::jsonb, ${more.group ?? null})`);
    return id;
  }

  rows<T>(query: ReturnType<typeof sql>): Promise<T[]> {
    return readStored<T>(this.database.db, query);
  }

  timeline(device: DeviceId): Promise<{ kind: string; text: string; state: string | null }[]> {
    return this.rows(sql`select kind, text, state from device_events where device = ${device} order by id`);
  }

  async close(): Promise<void> {
    await this.link.close();
    await this.app.close();
    await this.database.close();
  }
}

/** A connected device that numbers its reports. */
export class TestDevice {
  readonly id: DeviceId;
  readonly client: MqttClient;
  readonly acks = new Collected<number>();

  private constructor(id: DeviceId, client: MqttClient) {
    this.id = id;
    this.client = client;
    client.on('message', (topic, payload) => {
      if (topic === deviceTopic(id, 'ack'))
        void this.acks.add((JSON.parse(payload.toString()) as { number: number }).number);
    });
  }

  static async connect(fleet: Fleet, id: DeviceId): Promise<TestDevice> {
    const client = await fleet.link.connect(id);
    const device = new TestDevice(id, client);
    await client.subscribeAsync(deviceTopic(id, 'ack'));
    return device;
  }

  async send(leaf: 'hello' | 'report' | 'health' | 'log', value: unknown): Promise<void> {
    await this.client.publishAsync(deviceTopic(this.id, leaf), JSON.stringify(value), { qos: 1 });
  }

  report(number: number, event: object): Promise<void> {
    return this.send('report', { number, event: { at: new Date().toISOString(), ...event } });
  }
}

export const fault = (message = 'unreachable'): object => ({
  kind: 'fault',
  app: 'thermo',
  version: '1.0.0',
  fault: { kind: 'trap', message },
  count: 1,
});

export const step = (state: string, more: object = {}): object => ({
  kind: 'execution',
  execution: EXECUTION,
  app: 'thermo',
  version: '1.2.0',
  state,
  ...more,
});
