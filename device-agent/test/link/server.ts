/**
 * The server's half of the protocol on a real broker (aedes over TLS with client certificates):
 * acknowledges reports in order, answers requests from a Repository, sends desired state on hello.
 */
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { Aedes } from 'aedes';
import {
  deviceTopic,
  Hello,
  HealthReport,
  LogLines,
  ReportMessage,
  type Report,
  Request,
  type DeviceId,
  type SignedDesired,
} from '@wafer/protocol';
import { onTestFinished } from 'vitest';
import type { Identity } from '../../src/link/identity.ts';
import type { Repository } from '../trust/repository.ts';
import { Authority } from './authority.ts';

export class TestServer {
  readonly hellos: Hello[] = [];
  readonly reports = new Map<number, Report>();
  readonly health: HealthReport[] = [];
  readonly logs: LogLines[] = [];
  readonly guestMessages: { topic: string; payload: string }[] = [];
  readonly presence: string[] = [];
  desired: SignedDesired | undefined;
  /** Whether reports are committed. */
  commits = true;
  /** Whether requests are answered. */
  answers = true;
  requests = 0;
  readonly authority: Authority;
  readonly device: DeviceId;
  readonly #repository: Repository;
  #port = 0;
  #broker!: Aedes;
  #server!: Server;

  private constructor(device: DeviceId, authority: Authority, repository: Repository) {
    this.device = device;
    this.authority = authority;
    this.#repository = repository;
  }

  static async start(device: DeviceId, repository: Repository): Promise<TestServer> {
    const server = new TestServer(device, await Authority.create(), repository);
    await server.up();
    onTestFinished(() => server.down());
    return server;
  }

  async identity(): Promise<Identity> {
    return {
      device: this.device,
      server: 'https://127.0.0.1:1',
      broker: { host: '127.0.0.1', port: this.#port },
      enrolled: new Date().toISOString(),
      ca: this.authority.pem,
      ...(await this.authority.enrolled(this.device)),
    };
  }

  async up(): Promise<void> {
    const broker = await Aedes.createBroker({ id: 'test' });
    this.#broker = broker;
    broker.preConnect = (client, packet, done) => {
      const name = (client.conn as TLSSocket).getPeerCertificate().subject?.CN;
      done(null, packet.clientId === name);
    };
    broker.on('publish', ({ topic, payload }, client) => {
      if (client !== null) void this.#onMessage(topic, Buffer.from(payload));
    });
    this.#server = createServer(
      {
        ...(await this.authority.server()),
        ca: this.authority.pem,
        requestCert: true,
        rejectUnauthorized: true,
      },
      broker.handle,
    );
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async down(): Promise<void> {
    await new Promise<void>((resolve) => this.#broker.close(() => resolve()));
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  send(leaf: 'desired' | 'ack' | 'response' | 'command', payload: Buffer | string): Promise<void> {
    return this.sendTo(deviceTopic(this.device, leaf), payload);
  }

  sendTo(topic: string, payload: Buffer | string): Promise<void> {
    return new Promise((resolve, reject) => {
      const packet = { cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false } as const;
      this.#broker.publish(packet, (error) => (error ? reject(error) : resolve()));
    });
  }

  async order(desired: SignedDesired): Promise<void> {
    this.desired = desired;
    await this.send('desired', JSON.stringify(desired));
  }

  /** Reports up to which all are here. */
  get committed(): number {
    let number = 0;
    while (this.reports.has(number + 1)) number += 1;
    return number;
  }

  async #onMessage(topic: string, payload: Buffer): Promise<void> {
    const leaf = topic.split('/')[4];
    const json = () => JSON.parse(payload.toString('utf8'));
    switch (leaf) {
      case 'hello':
        this.hellos.push(Hello.parse(json()));
        await this.send('ack', JSON.stringify({ number: this.committed }));
        if (this.desired !== undefined) await this.send('desired', JSON.stringify(this.desired));
        return;
      case 'report': {
        if (!this.commits) return;
        for (const report of ReportMessage.parse(json())) this.reports.set(report.number, report);
        return this.send('ack', JSON.stringify({ number: this.committed }));
      }
      case 'request':
        this.requests += 1;
        if (!this.answers) return;
        return this.send('response', this.#repository.answer(Request.parse(json())));
      case 'health':
        this.health.push(HealthReport.parse(json()));
        return;
      case 'log':
        this.logs.push(LogLines.parse(json()));
        return;
      case 'presence':
        this.presence.push(payload.toString());
        return;
      default:
        this.guestMessages.push({ topic, payload: payload.toString() });
    }
  }
}
