/** A board and who poses as its server: before it knows the time, and when its certificate is renewed. */
import 'reflect-metadata';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { RenewRequest } from '@wafer/protocol';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { certificateRequest } from '../../src/link/csr.ts';
import { readIdentity, replaceCertificate, storeIdentity, type Identity } from '../../src/link/identity.ts';
import { createRenewal, renewalDue } from '../../src/link/renewal.ts';
import { openSecure, type SecureOptions } from '../../src/link/secure.ts';
import { temporaryFolder } from '../folder.ts';
import { Authority, type Life } from '../link/authority.ts';
import { DEVICE, OTHER_DEVICE } from '../state/orders.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const days = (from: number, to: number): Life => ({
  notBefore: new Date(Date.now() + from * DAY_MS),
  notAfter: new Date(Date.now() + to * DAY_MS),
});
const in1970 = { now: () => 0 };
/** A board that starts in 1970 knows the day when its agent was built. */
const builtYesterday = { now: () => Date.now() - DAY_MS };

describe('a board without a clock', () => {
  /** What the board finds, and whether the server heard a byte of it. */
  async function meet(tls: { key: string; cert: string }, options: Partial<SecureOptions> & { ca: string }) {
    let heard = 0;
    const server = createTlsServer(tls, (socket: TLSSocket) => {
      socket.on('data', ({ length }: Buffer) => (heard += length));
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
    const { port } = server.address() as AddressInfo;
    const place = { host: '127.0.0.1', port, names: ['127.0.0.1'], timeoutMs: 5000 };
    const outcome = await openSecure({ ...place, clock: builtYesterday, system: in1970, ...options }).then(
      (socket) => void socket.destroy(),
      (error: Error) => error.message,
    );
    return { outcome, heard };
  }

  test('does its first handshake, though the certificate is valid only from tomorrow by every clock', async () => {
    const authority = await Authority.create();
    const tls = await authority.server(undefined, undefined, days(1, 30));
    expect((await meet(tls, { ca: authority.pem })).outcome).toBeUndefined();
  });

  test('with a clock that may be right, a certificate that is not valid yet is refused', async () => {
    const authority = await Authority.create();
    const tls = await authority.server(undefined, undefined, days(1, 30));
    const clock = { now: () => Date.now() };
    const { outcome } = await meet(tls, { ca: authority.pem, clock, system: clock });
    expect(outcome).toMatch(/CERT_NOT_YET_VALID/);
  });

  test('attack: a server of another authority poses as its own', async () => {
    const [own, foreign] = [await Authority.create(), await Authority.create()];
    const tls = await foreign.server(undefined, undefined, days(1, 30));
    const { outcome, heard } = await meet(tls, { ca: own.pem });
    expect(outcome).toMatch(/our authority did not sign it/);
    expect(heard).toBe(0);
  });

  test('attack: a certificate that had expired before the agent was built, with a key that was stolen since', async () => {
    const authority = await Authority.create();
    const tls = await authority.server(undefined, undefined, days(-40, -2));
    expect((await meet(tls, { ca: authority.pem })).outcome).toMatch(/it has expired/);
  });

  test('attack: another board poses as the server with its own certificate', async () => {
    const authority = await Authority.create();
    const { key, certificate } = await authority.enrolled(OTHER_DEVICE, days(1, 30));
    const { outcome } = await meet({ key, cert: `${certificate}\n${authority.pem}` }, { ca: authority.pem });
    expect(outcome).toMatch(/it is not for a server/);
  });

  test('attack: a server under the same authority, but with another name', async () => {
    const authority = await Authority.create();
    const tls = await authority.server('10.0.0.7', 'other.example', days(1, 30));
    expect((await meet(tls, { ca: authority.pem })).outcome).toMatch(/not for 127\.0\.0\.1/);
  });
});

describe('renewal', () => {
  interface Renewing {
    /** What the server answers with; its own certificate for the request unless given. */
    readonly answer?: (authority: Authority, csr: string) => Promise<string>;
    readonly life?: Life;
  }

  async function enrolled({ answer, life = days(-1, 44) }: Renewing = {}) {
    const authority = await Authority.create();
    const shown: string[] = [];
    const tls = {
      ...(await authority.server()),
      ca: authority.pem,
      requestCert: true,
      rejectUnauthorized: false,
    };
    const server = createHttpsServer(tls, (request, response) => {
      const certificate = (request.socket as TLSSocket).getPeerX509Certificate();
      shown.push(`${request.method} ${request.url} ${certificate?.subject}`);
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => {
        const { csr } = RenewRequest.parse(JSON.parse(body));
        void (answer?.(authority, csr) ?? authority.device(DEVICE, csr, days(0, 45))).then((made) =>
          response.writeHead(201).end(JSON.stringify({ certificate: made })),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
    const folder = await temporaryFolder();
    const identity: Identity = {
      device: DEVICE,
      server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
      broker: { host: '127.0.0.1', port: 1 },
      enrolled: new Date().toISOString(),
      ca: authority.pem,
      ...(await authority.enrolled(DEVICE, life)),
    };
    await storeIdentity(folder, identity);
    const time = { now: Date.now(), monotonic: 0 };
    const logged: string[] = [];
    const renewal = createRenewal({
      keep: (certificate) => replaceCertificate(folder, certificate),
      identity,
      clock: { now: () => time.now },
      log: (_level, message, details) => logged.push(`${message} ${JSON.stringify(details)}`),
      monotonic: () => time.monotonic,
    });
    const stored = () => readFile(join(folder, 'identity', 'cert.pem'), 'utf8');
    return { authority, folder, identity, renewal, shown, stored, time, logged };
  }

  test('the request is signed by the key that the board has', async () => {
    const { key } = await (await Authority.create()).enrolled(DEVICE);
    const request = new Pkcs10CertificateRequest(certificateRequest(createPrivateKey(key)));
    expect(await request.verify()).toBe(true);
    expect(request.subject).toBe('CN=device');
  });

  test('comes at two thirds of the life, over the certificate that there is, and is on disk', async () => {
    const { folder, identity, renewal, shown, stored, time } = await enrolled();
    const due = renewalDue(identity.certificate);
    expect(Math.round((due - Date.now()) / DAY_MS)).toBe(29);
    time.now = due - 1;
    renewal.tick();
    expect(shown).toEqual([]);
    time.now = due;
    renewal.tick();
    renewal.tick();
    await vi.waitFor(() => expect(renewal.certificate).not.toBe(identity.certificate));
    expect(shown).toEqual([`POST /api/v1/renewals CN=${DEVICE}`]);
    expect(await stored()).toBe(renewal.certificate);
    expect(new X509Certificate(renewal.certificate).checkPrivateKey(createPrivateKey(identity.key))).toBe(
      true,
    );
    expect(await readIdentity(folder)).toEqual({ ...identity, certificate: renewal.certificate });
  });

  test('with an expired certificate brings a board back that was away', async () => {
    const { identity, renewal } = await enrolled({ life: days(-60, -15) });
    renewal.tick();
    await vi.waitFor(() => expect(renewal.certificate).not.toBe(identity.certificate));
  });

  test('is asked for when the broker refuses, as the board may not know how late it is; once an hour', async () => {
    const { identity, renewal, shown, time } = await enrolled();
    renewal.refused();
    await vi.waitFor(() => expect(renewal.certificate).not.toBe(identity.certificate));
    renewal.refused();
    time.monotonic += HOUR_MS;
    renewal.refused();
    await vi.waitFor(() => expect(shown).toHaveLength(2));
  });

  test.each<[string, NonNullable<Renewing['answer']>]>([
    ['of another authority', async (_own, csr) => (await Authority.create()).device(DEVICE, csr)],
    ['in another name', (own, csr) => own.device(OTHER_DEVICE, csr)],
    ['for another key', async (own) => (await own.enrolled(DEVICE)).certificate],
    ['that is none', async () => 'garbage'],
  ])('attack: a renewal is answered with a certificate %s', async (_what, answer) => {
    const { identity, renewal, stored, logged, time } = await enrolled({ answer });
    time.now = renewalDue(identity.certificate);
    renewal.tick();
    await vi.waitFor(() => expect(logged).toHaveLength(1));
    expect(logged[0]).toMatch(/^certificate not renewed/);
    expect(renewal.certificate).toBe(identity.certificate);
    expect(await stored()).toBe(identity.certificate);
  });
});
