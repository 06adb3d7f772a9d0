/** The whole line on the server's side, as a process: publish, enrol, be told, be revoked. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { deviceTopic, EnrolResponse, isSignedBy, OnlineKeys, type DeviceId } from '@wafer/protocol';
import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Ready } from '../src/start.ts';
import { temporaryFolder } from './harness.ts';
import { runServer, type Run } from './harness-process.ts';
import { hello } from './mqtt-fleet.ts';
import { Publisher, reactor } from './releases-publisher.ts';

let data: string;
let server: Run;
let ready: Ready;
let token: string;
const clients: MqttClient[] = [];

beforeAll(async () => {
  data = await temporaryFolder();
  server = runServer({ WAFER_DATA: data });
  ready = await server.ready;
  ({ token } = JSON.parse(await readFile(ready.credentials, 'utf8')));
}, 60_000);
afterAll(async () => {
  for (const client of clients) client.end(true);
  await server.stop();
  await rm(data, { recursive: true, force: true });
});

async function api(method: string, path: string, body?: object | Buffer): Promise<unknown> {
  const answer = await fetch(`${ready.dashboard}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body && {
        'content-type': Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json',
      }),
    },
    ...(body && { body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body) }),
  });
  const text = await answer.text();
  expect([path, answer.ok, text]).toEqual([path, true, text]);
  return text === '' ? undefined : JSON.parse(text);
}

interface Board {
  readonly key: string;
  readonly csr: string;
}

async function newBoard(): Promise<Board> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: algorithm });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'), csr: csr.toString('pem') };
}

async function enrol(board: Board, claim: string): Promise<EnrolResponse> {
  const ca = await readFile(join(data, 'server', 'pki', 'ca.crt'));
  const body = JSON.stringify({ token: claim, csr: board.csr, hostname: 'board', arch: 'arm64' });
  const options = { method: 'POST', ca, headers: { 'content-type': 'application/json' } };
  return new Promise((resolve, reject) => {
    request(`${ready.api}/api/v1/enrolments`, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(EnrolResponse.parse(JSON.parse(text))));
    })
      .on('error', reject)
      .end(body);
  });
}

function connect(board: Board, { device, certificate, ca, broker }: EnrolResponse): Promise<MqttClient> {
  const client = mqtt.connect({
    protocol: 'mqtts',
    ...broker,
    ca,
    key: board.key,
    cert: certificate,
    clientId: device,
    reconnectPeriod: 0,
  });
  clients.push(client);
  return new Promise((resolve, reject) => {
    client.once('connect', () => resolve(client));
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed')));
  });
}

interface Told {
  signed: { version: number; device: DeviceId; apps: { app: string; version: string }[] };
  signatures: { keyid: string; sig: string }[];
}

it('a published release reaches an enrolled board, signed by the director; revoked, the board is out', async () => {
  const online = OnlineKeys.parse(await api('GET', '/trust/online-keys'));
  const publisher = new Publisher(online);
  publisher.addApp('thermo');
  await api('POST', '/trust', publisher.init());
  const component = await reactor('thermo');
  await api('PUT', `/blobs/${component.digest}`, component.bytes);
  await api('POST', '/releases', publisher.release('thermo', '1.0.0', component).request);
  await api('PUT', '/channels/stable/apps/thermo', { version: '1.0.0' });

  const { token: claim } = (await api('POST', '/claim-tokens', { channels: ['stable'] })) as {
    token: string;
  };
  const board = await newBoard();
  const enrolled = await enrol(board, claim);
  const { device, root } = enrolled;
  expect(JSON.parse(root).signed._type).toBe('root');

  const client = await connect(board, enrolled);
  const desired = new Promise<Told>((resolve) => {
    client.on('message', (_topic, payload) => resolve(JSON.parse(payload.toString())));
  });
  await client.subscribeAsync(deviceTopic(device, 'desired'), { qos: 1 });
  await client.publishAsync(deviceTopic(device, 'hello'), JSON.stringify(hello()), { qos: 1 });
  const { signed, signatures } = await desired;
  expect(signed.device).toBe(device);
  expect(signed.apps).toMatchObject([{ app: 'thermo', version: '1.0.0' }]);
  expect(isSignedBy(signed, signatures, online.director.keys)).toBe(true);
  await expect
    .poll(async () => ((await api('GET', `/devices/${device}`)) as { online: boolean }).online)
    .toBe(true);

  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  await api('POST', `/devices/${device}/revoke`);
  await closed;
  await expect(connect(board, enrolled)).rejects.toThrow();
}, 60_000);

it('a board that was enrolled before a restart is served after it, without enrolling again', async () => {
  const { token: claim } = (await api('POST', '/claim-tokens', { channels: ['stable'] })) as {
    token: string;
  };
  const board = await newBoard();
  const enrolled = await enrol(board, claim);
  await server.stop();
  server = runServer({ WAFER_DATA: data });
  ready = await server.ready;
  const client = await connect(board, { ...enrolled, broker: ready.mqtt });
  expect(client.connected).toBe(true);
}, 60_000);
