/**
 * From a configuration to a server that serves, in the order in which one thing needs the other;
 * stopping is the same list backwards. Whatever fails on the way closes what was opened.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, WaferError, type DeviceId } from '@wafer/protocol';
import type { FastifyBaseLogger } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { app as createApp } from './app.ts';
import { audit } from './audit/index.ts';
import { channelsPlugin } from './channels/index.ts';
import { StartError, type Config } from './config.ts';
import { lockDataFolder } from './data-folder.ts';
import { openDatabase } from './db/client.ts';
import { startEmbedded } from './db/embedded.ts';
import { migrate } from './db/migrate.ts';
import { writeSecretOnce } from './db/secret-file.ts';
import type { Deps } from './deps.ts';
import { devices } from './devices/index.ts';
import { boardsPlugin } from './boards/index.ts';
import { groupsPlugin } from './groups/index.ts';
import { claimPort, listenOnLoopback, listenSecurely } from './http/listeners.ts';
import {
  advertisedHost,
  auditDoubledSession,
  auditTwins,
  identity,
  openAuthority,
  openPeople,
  openSso,
  signInUrl,
  writeCredentials,
  type Authority,
  type People,
  type Sso,
} from './identity/index.ts';
import { outwardFetch } from './http/outward.ts';
import { createLiveHub, live } from './live/index.ts';
import { createEmbeddedBus, type EmbeddedBus } from './mqtt/embedded.ts';
import { loadSigners, releasesPlugin, trustedRoot } from './releases/index.ts';
import { rolloutEngine } from './rollouts/engine/index.ts';
import { pinsPlugin } from './rollouts/pins/index.ts';
import { assignNewDevice, openRolloutsNaming, rolloutsPlugin, sendDesired } from './rollouts/index.ts';
import { openVault, secretsPlugin } from './secrets/index.ts';
import { telemetry } from './telemetry/index.ts';

/** What `main.ts` prints once everything listens. */
export interface Ready {
  readonly ready: true;
  /** Where browsers find it: on loopback, or at the public address. */
  readonly dashboard: string;
  readonly signIn: string;
  readonly api: string;
  readonly mqtt: { readonly host: string; readonly port: number };
  readonly data: string;
  readonly credentials: string;
}

export interface Surroundings {
  readonly log: FastifyBaseLogger;
  readonly progress: (step: string) => void;
  /** Somebody else took the data folder: nothing may be written any more. */
  readonly onLost: () => void;
}

export interface Server {
  readonly ready: Ready;
  stop(): Promise<void>;
}

type Stop = () => Promise<unknown>;

/** Rejects with a StartError that says in one line what stands in the way. */
export async function start(config: Config, surroundings: Surroundings): Promise<Server> {
  const opened: Stop[] = [];
  const stop = async (): Promise<void> => {
    for (let close = opened.pop(); close !== undefined; close = opened.pop()) await close();
  };
  try {
    return { ready: await open(config, surroundings, (close) => void opened.push(close)), stop };
  } catch (error) {
    await stop().catch(() => undefined); // the first failure is the one that explains
    throw error;
  }
}

async function open(
  config: Config,
  { log, progress, onLost }: Surroundings,
  onStop: (close: Stop) => void,
): Promise<Ready> {
  const { dataFolder, host } = config;
  onStop(await lockDataFolder(dataFolder, onLost));
  const url = await findPostgres(config, { log, progress }, onStop);
  progress('migrating the database');
  await reach(url, () => migrate(url));
  const database = openDatabase(url);
  onStop(() => database.close());

  progress('reading keys');
  const parts = { config, clock: systemClock, db: database.db };
  const authority = await openAuthority(parts);
  const secret = await cookieSecret(dataFolder);
  const people = await openPeople({ ...parts, log, secret });
  const sso = findSso(config, { log, secret });
  const signers = await loadSigners(join(dataFolder, 'server', 'signers'));
  const vault = await openVault(join(dataFolder, 'server'));

  progress('opening listeners');
  const composed = Promise.withResolvers<void>();
  const bus = await openBus(config, { log, authority, composed: composed.promise });
  onStop(() => bus.close());
  const deps: Deps = { ...parts, log, bus, live: createLiveHub(), authority, signers, vault };
  const mqtt = { host: advertisedHost(host), port: bus.port };
  let dashboard = '';
  let api = '';
  bus.onDoubled((device, sessions) => auditDoubledSession(deps, device, sessions));
  const contexts = compose(deps, { people, mqtt, dashboard: () => dashboard, api: () => api });
  const app = await createApp(deps, { people, sso, dashboard: () => dashboard, contexts });
  onStop(() => app.close());
  composed.resolve();

  const local = `http://127.0.0.1:${await listenOnLoopback(app, config.httpPort)}`;
  dashboard = config.publicUrl ?? local;
  const secure = await listenSecurely(app, authority.serverTls(), { host, port: config.apiPort });
  onStop(() => secure.close());
  const credentials = await writeCredentials({ ...parts, dataFolder }, local);
  const signIn = signInUrl(dashboard, await people.createLink());
  api = `https://${inUrl(mqtt.host)}:${secure.port}`;
  return { ready: true, dashboard, signIn, api, mqtt, data: dataFolder, credentials };
}

/** What the contexts need of each other, where an import would go round in a circle. */
export function compose(
  deps: Deps,
  {
    people,
    mqtt,
    dashboard,
    api,
  }: { people: People; mqtt: Ready['mqtt']; dashboard: () => string; api: () => string },
): FastifyPluginAsyncZod[] {
  const onEnrolled = async (device: DeviceId): Promise<void> => void (await assignNewDevice(deps, device));
  return [
    identity(deps, {
      people,
      dashboard,
      api,
      broker: () => mqtt,
      trustedRoot: () => requireRoot(deps),
      onEnrolled,
    }),
    audit(deps),
    devices(deps, { onHello: (device) => answerHello(deps, device) }),
    telemetry(deps),
    live(deps),
    releasesPlugin(deps),
    channelsPlugin(deps),
    boardsPlugin(deps),
    groupsPlugin(deps, { openRolloutsNaming }),
    rolloutsPlugin(deps),
    rolloutEngine(deps),
    pinsPlugin(deps),
    secretsPlugin(deps),
  ];
}

const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);

async function findPostgres(
  config: Config,
  { log, progress }: Pick<Surroundings, 'log' | 'progress'>,
  onStop: (close: Stop) => void,
): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl;
  progress('starting Postgres');
  const onLog = (line: string): void => log.debug({ from: 'postgres' }, line);
  const embedded = await startEmbedded(join(config.dataFolder, 'postgres'), onLog);
  onStop(() => embedded.stop());
  return embedded.url;
}

function findSso(
  { sso, privateHosts }: Config,
  { log, secret }: { log: FastifyBaseLogger; secret: string },
): Sso | undefined {
  const onFailure = (err: unknown): void => log.warn({ err }, 'single sign-on failed');
  const outward = outwardFetch(privateHosts);
  return sso && openSso({ config: sso, outward, clock: systemClock, secret, onFailure });
}

/** The database as people may read it: without the password. */
function describeUrl(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || 5432}${pathname}`;
}

async function reach(url: string, use: () => Promise<void>): Promise<void> {
  try {
    await use();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message || ('code' in cause ? cause.code : cause.name) : cause;
    const what = `The database ${describeUrl(url)} cannot be used (${String(why).split('\n')[0]})`;
    throw new StartError(`${what}: start it, or correct DATABASE_URL.`, { cause: error });
  }
}

/** Signs session cookies. */
async function cookieSecret(dataFolder: string): Promise<string> {
  const folder = join(dataFolder, 'server');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return writeSecretOnce(join(folder, 'cookie-secret'), () => randomBytes(32).toString('base64url'));
}

interface BusParts {
  readonly log: FastifyBaseLogger;
  readonly authority: Authority;
  /** A device that connects before every context listens waits here, so that its hello is heard. */
  readonly composed: Promise<void>;
}

async function openBus(config: Config, { log, authority, composed }: BusParts): Promise<EmbeddedBus> {
  const place = { host: config.host, port: config.mqttPort, variable: 'WAFER_MQTT_PORT' };
  const listening = createEmbeddedBus({
    tls: authority.serverTls(),
    host: config.host,
    port: config.mqttPort,
    clock: systemClock,
    log,
    async authenticate({ serial, device }) {
      await composed;
      return !(await authority.isRevoked(serial, device));
    },
  });
  return claimPort(listening, place);
}

/** What a channel brought while the device was away, or before its enrolment was done, comes now. */
async function answerHello(deps: Deps, device: DeviceId): Promise<void> {
  await assignNewDevice(deps, device);
  await sendDesired(deps, device);
  await auditTwins(deps, device);
}

async function requireRoot(deps: Pick<Deps, 'db'>): Promise<string> {
  const root = await trustedRoot(deps);
  if (root === undefined)
    throw new WaferError(
      'trust.not-initialised',
      'Run `wafer keys init` first: a device needs a root to trust.',
    );
  return root;
}
