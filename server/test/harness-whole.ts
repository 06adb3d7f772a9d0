/** Every context, composed as the server composes them, behind its HTTPS listener. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import type { DeviceId, Role } from '@wafer/protocol';
import { systemClock } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { FastifyInstance } from 'fastify';
import { app as createApp } from '../src/app.ts';
import { SERVER_ACTOR } from '../src/audit/index.ts';
import type { Deps } from '../src/deps.ts';
import { listenSecurely } from '../src/http/listeners.ts';
import { createToken, openAuthority, openPeople, type People } from '../src/identity/index.ts';
import { createLiveHub } from '../src/live/index.ts';
import type { Bus } from '../src/mqtt/bus.ts';
import { loadSigners } from '../src/releases/index.ts';
import { openVault } from '../src/secrets/index.ts';
import { compose } from '../src/start.ts';
import { freshDatabase, quietLog, temporaryFolder, testConfig } from './harness.ts';
import { newDeviceId } from './mqtt-certificates.ts';

interface Ask {
  readonly token?: string | undefined;
  /** A client certificate. */
  readonly key?: string;
  readonly cert?: string;
}

export interface WholeApp {
  readonly app: FastifyInstance;
  readonly deps: Deps;
  readonly people: People;
  readonly tokens: Readonly<Record<Role, string>>;
  readonly device: { readonly id: DeviceId; readonly key: string; readonly cert: string };
  /** Status of the answer; the rest of it is not waited for, since some answers do not end. */
  ask(method: string, path: string, as: Ask): Promise<number>;
  close(): Promise<void>;
}

const silentBus: Bus = {
  publish: async () => undefined,
  onMessage: () => undefined,
  onPresence: () => undefined,
  onDoubled: () => undefined,
  disconnect: async () => undefined,
  online: () => [],
  close: async () => undefined,
};

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

async function newCsr(): Promise<{ key: string; csr: string }> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const made = await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: P256 });
  const key = x509.PemConverter.encode(
    await webcrypto.subtle.exportKey('pkcs8', keys.privateKey),
    'PRIVATE KEY',
  );
  return { key, csr: made.toString('pem') };
}

export async function wholeApp(): Promise<WholeApp> {
  const database = await freshDatabase();
  const dataFolder = await temporaryFolder();
  const config = testConfig(dataFolder);
  const parts = { config, clock: systemClock, db: database.db, log: quietLog };
  const authority = await openAuthority(parts);
  const people = await openPeople({ ...parts, secret: 'a secret for tests, 32 octets long' });
  const deps: Deps = {
    ...parts,
    bus: silentBus,
    live: createLiveHub(),
    authority,
    signers: await loadSigners(join(dataFolder, 'server', 'signers')),
    vault: await openVault(join(dataFolder, 'server')),
  };
  const mqtt = { host: '127.0.0.1', port: 8883 };
  const contexts = compose(deps, { people, mqtt, dashboard: () => 'http://x', api: () => 'https://x' });
  const app = await createApp(deps, { people, contexts, dashboard: () => 'http://x' });
  const tls = authority.serverTls();
  const listener = await listenSecurely(app, tls, { host: '127.0.0.1', port: 0 });
  const tokenOf = async (role: Role): Promise<string> =>
    (await createToken(parts, { name: role, role }, SERVER_ACTOR)).token;

  const id = newDeviceId();
  const { key, csr } = await newCsr();
  const issued = await authority.issue(csr, id);
  await database.db.execute(sql`
    with device as (insert into devices (id, name, arch, enrolled) values (${id}, 'board', 'x64', now()))
    insert into certificates (serial, device, issued, expires)
    values (${issued.serial}, ${id}, now(), now() + interval '45 days')`);

  return {
    app,
    deps,
    people,
    tokens: {
      viewer: await tokenOf('viewer'),
      operator: await tokenOf('operator'),
      admin: await tokenOf('admin'),
    },
    device: { id, key, cert: issued.certificate },
    ask: (method, path, as) =>
      new Promise((resolve, reject) => {
        const { token, ...pair } = as;
        const asked = request({
          host: '127.0.0.1',
          port: listener.port,
          ca: tls.ca,
          agent: false,
          method,
          path,
          ...pair,
          headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        });
        asked.once('response', (response) => {
          resolve(response.statusCode ?? 0);
          response.destroy();
        });
        asked.setTimeout(5000, () => asked.destroy(new Error(`${method} ${path} does not answer`)));
        asked.once('error', reject).end();
      }),
    async close() {
      await listener.close();
      await app.close();
      await database.close();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}
