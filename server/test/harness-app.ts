/**
 * The whole HTTP side on a database of its own, with the contexts that a test names; the bus and
 * the live hub only write down what they are told.
 */
import { rm } from 'node:fs/promises';
import type { DeviceId, LiveEvent, Role } from '@wafer/protocol';
import type { FastifyInstance } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { app as createApp } from '../src/app.ts';
import { audit, SERVER_ACTOR } from '../src/audit/index.ts';
import type { Config } from '../src/config.ts';
import type { Deps } from '../src/deps.ts';
import {
  createToken,
  identity,
  openAuthority,
  openPeople,
  type People,
  type Sso,
} from '../src/identity/index.ts';
import {
  freshDatabase,
  quietLog,
  temporaryFolder,
  testClock,
  testConfig,
  type TestClock,
  type TestDatabase,
} from './harness.ts';

export interface TestApp {
  readonly app: FastifyInstance;
  readonly clock: TestClock;
  readonly database: TestDatabase;
  readonly dataFolder: string;
  readonly deps: Deps;
  readonly people: People;
  /** Sessions that were cut, hints that were published, devices that were enrolled. */
  readonly told: { cut: DeviceId[]; live: LiveEvent[]; enrolled: DeviceId[] };
  /** What `trustedRoot` gives; a test may make it throw. */
  root: () => Promise<string>;
  /** Called after an enrolment; a test may make it throw. */
  onEnrolled: (device: DeviceId) => Promise<void>;
  /** `Authorization` header of a token with this role. */
  as(role: Role): { authorization: string };
  close(): Promise<void>;
}

export const BROKER = { host: '127.0.0.1', port: 8883 };

export async function testApp(
  contexts: readonly FastifyPluginAsyncZod[] = [],
  options: { dashboardFolder?: string; sso?: Sso; clock?: TestClock; config?: Partial<Config> } = {},
): Promise<TestApp> {
  const database = await freshDatabase();
  const dataFolder = await temporaryFolder();
  const config = testConfig(dataFolder, options.config);
  const clock = options.clock ?? testClock();
  const { db } = database;
  const told: TestApp['told'] = { cut: [], live: [], enrolled: [] };
  const authority = await openAuthority({ config, clock, db });
  const people = await openPeople({
    config,
    db,
    clock,
    log: quietLog,
    secret: 'a secret for tests, 32 octets long',
  });
  const deps = {
    config,
    clock,
    db,
    authority,
    log: quietLog,
    bus: { disconnect: async (device: DeviceId) => void told.cut.push(device) },
    live: { publish: (event: LiveEvent) => void told.live.push(event) },
  } as unknown as Deps;

  const self: Pick<TestApp, 'root' | 'onEnrolled'> = {
    root: async () => '{"signed":{},"signatures":[]}',
    onEnrolled: async (device) => void told.enrolled.push(device),
  };
  const parts = {
    people,
    dashboard: () => config.publicUrl ?? 'http://127.0.0.1:8080',
    api: () => 'https://127.0.0.1:8443',
    broker: () => BROKER,
    trustedRoot: () => self.root(),
    onEnrolled: (device: DeviceId) => self.onEnrolled(device),
  };
  const mounted = [identity(deps, parts), audit(deps), ...contexts];
  const leave = async (): Promise<void> => {
    await database.close();
    await rm(dataFolder, { recursive: true, force: true });
  };
  const app = await createApp(deps, {
    people,
    contexts: mounted,
    dashboard: parts.dashboard,
    ...options,
  }).catch(async (error: unknown) => {
    await leave();
    throw error;
  });

  const tokens = new Map<Role, string>();
  for (const role of ['viewer', 'operator', 'admin'] as const)
    tokens.set(role, (await createToken({ db, clock }, { name: `test-${role}`, role }, SERVER_ACTOR)).token);
  return Object.assign(self, {
    app,
    clock,
    database,
    dataFolder,
    deps,
    people,
    told,
    as: (role: Role) => ({ authorization: `Bearer ${tokens.get(role)}` }),
    async close() {
      await app.close();
      await leave();
    },
  });
}
