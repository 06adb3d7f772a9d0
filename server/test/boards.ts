/** Boards that enrol at a whole server: HTTPS, database and broker are real, keys lie in memory. */
import { createPrivateKey, webcrypto } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import * as x509 from '@peculiar/x509';
import { ClaimToken, EnrolResponse, type DeviceId } from '@wafer/protocol';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { LightMyRequestResponse } from 'fastify';
import { auditDoubledSession } from '../src/identity/index.ts';
import { listenSecurely } from '../src/http/listeners.ts';
import { createEmbeddedBus, type EmbeddedBus } from '../src/mqtt/embedded.ts';
import { quietLog } from './harness.ts';
import { testApp, type TestApp } from './harness-app.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface BoardKey {
  readonly pem: string;
  csr(): Promise<string>;
}

export async function newBoardKey(): Promise<BoardKey> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const pem = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  return {
    pem: pem.export({ format: 'pem', type: 'pkcs8' }).toString(),
    async csr() {
      const generated = x509.Pkcs10CertificateRequestGenerator.create({
        name: 'CN=board',
        keys,
        signingAlgorithm: P256,
      });
      return (await generated).toString('pem');
    },
  };
}

export interface Board {
  readonly device: DeviceId;
  readonly key: BoardKey;
  readonly certificate: string;
}

export interface Fleet extends TestApp {
  readonly bus: EmbeddedBus;
  claim(body?: object): Promise<string>;
  enrol(token: string, key?: BoardKey): Promise<LightMyRequestResponse>;
  board(body?: object, key?: BoardKey): Promise<Board>;
  /** Rejects when the broker refuses. */
  connect(board: Board, options?: IClientOptions): Promise<MqttClient>;
  /** POST /renewals with what the board shows; undefined shows nothing. */
  renew(shown: Pick<Board, 'certificate' | 'key'> | undefined, csr: string): Promise<Answer>;
}

interface Answer {
  readonly status: number;
  readonly body: { code?: string; certificate?: string };
}

export async function openFleet(): Promise<Fleet> {
  const t = await testApp();
  const { authority } = t.deps;
  const bus = await createEmbeddedBus({
    tls: authority.serverTls(),
    host: '127.0.0.1',
    port: 0,
    clock: t.clock,
    log: quietLog,
    expiryCheckMs: 20,
    authenticate: async ({ serial, device }) => !(await authority.isRevoked(serial, device)),
  });
  Object.assign(t.deps, { bus });
  bus.onDoubled((device, sessions) => auditDoubledSession(t.deps, device, sessions));
  const secure = await listenSecurely(t.app, authority.serverTls(), { host: '127.0.0.1', port: 0 });
  const clients = new Set<MqttClient>();
  const closeApp = t.close.bind(t);

  const claim = async (body: object = {}): Promise<string> => {
    const made = await t.app.inject({
      method: 'POST',
      url: '/api/v1/claim-tokens',
      headers: t.as('operator'),
      payload: body,
    });
    return ClaimToken.parse(made.json().token);
  };
  const enrol = async (token: string, key?: BoardKey) => {
    const csr = await (key ?? (await newBoardKey())).csr();
    const payload = { token, csr, hostname: 'board', arch: 'arm64' };
    return t.app.inject({ method: 'POST', url: '/api/v1/enrolments', payload });
  };

  return Object.assign(t, {
    bus,
    claim,
    enrol,
    async board(body?: object, key?: BoardKey): Promise<Board> {
      const own = key ?? (await newBoardKey());
      const answer = await enrol(await claim(body), own);
      const { device, certificate } = EnrolResponse.parse(answer.json());
      return { device, certificate, key: own };
    },
    async connect(board: Board, options: IClientOptions = {}): Promise<MqttClient> {
      const client = mqtt.connect({
        protocol: 'mqtts',
        host: '127.0.0.1',
        port: bus.port,
        ca: authority.caPem,
        key: board.key.pem,
        cert: board.certificate,
        clientId: board.device,
        reconnectPeriod: 0,
        ...options,
      });
      clients.add(client);
      await new Promise<void>((resolve, reject) => {
        client.once('connect', () => resolve());
        client.on('error', reject);
        client.once('close', () => reject(new Error('closed')));
      });
      return client;
    },
    renew: (shown: Pick<Board, 'certificate' | 'key'> | undefined, csr: string) =>
      post(secure.port, authority.caPem, shown, { csr }),
    async close() {
      await Promise.all([...clients].map((client) => client.endAsync(true)));
      await secure.close();
      await bus.close();
      await closeApp();
    },
  });
}

function post(
  port: number,
  ca: string,
  shown: Pick<Board, 'certificate' | 'key'> | undefined,
  body: object,
): Promise<Answer> {
  const payload = JSON.stringify(body);
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const identity = shown === undefined ? {} : { key: shown.key.pem, cert: shown.certificate };
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
  const options = { method: 'POST', host: '127.0.0.1', port, path: '/api/v1/renewals', ca, agent: false };
  httpsRequest({ ...options, ...identity, headers }, (answer) => {
    let text = '';
    answer.on('data', (part: Buffer) => (text += part.toString()));
    answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) }));
  })
    .on('error', reject)
    .end(payload);
  return promise;
}
