import 'reflect-metadata';
import { webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { ClaimToken, Days, EnrolResponse, Hours, WaferError, type DeviceId } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testApp, BROKER, type TestApp } from './harness-app.ts';

let t: TestApp;
beforeAll(async () => void (t = await testApp()));
afterAll(() => t.close());

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

async function csr(name = 'CN=whatever', algorithm: object = P256): Promise<string> {
  const usages: ('sign' | 'verify')[] = ['sign', 'verify'];
  const keys = await webcrypto.subtle.generateKey(algorithm as webcrypto.EcKeyGenParams, true, usages);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: algorithm,
  });
  return request.toString('pem');
}

async function claim(body: object = {}): Promise<string> {
  const answer = await t.app.inject({
    method: 'POST',
    url: '/api/v1/claim-tokens',
    headers: t.as('operator'),
    payload: body,
  });
  expect(answer.statusCode).toBe(201);
  return ClaimToken.parse(answer.json().token);
}

const enrol = async (token: string, request?: string) =>
  t.app.inject({
    method: 'POST',
    url: '/api/v1/enrolments',
    payload: { token, csr: request ?? (await csr()), hostname: 'board-7', arch: 'arm64' },
  });

const count = async (table: string): Promise<number> => {
  const rows = await t.database.db.execute<{ count: string }>(sql.raw(`select count(*) from ${table}`));
  return Number(rows[0]?.count);
};
const TOUCHED = ['devices', 'certificates', 'device_events', 'audit_events'];
const counts = () => Promise.all(TOUCHED.map(count));

it('a claim token and a request become a device, with its certificate, timeline and audit event', async () => {
  const token = await claim({ channels: ['stable'], group: 'lab', tags: { site: 'north' } });
  const answer = await enrol(token, await csr('CN=d-aaaaaaaaaaaaaaaa,O=attacker'));
  expect(answer.statusCode).toBe(201);
  const { device, certificate, ca, broker, root } = EnrolResponse.parse(answer.json());
  expect(broker).toEqual(BROKER);
  expect(root).toBe(await t.root());
  expect(t.told.enrolled).toContain(device);

  const parsed = new X509Certificate(certificate);
  expect(parsed.subject).toBe(`CN=${device}`);
  expect(parsed.verify(new X509Certificate(ca).publicKey)).toBe(true);
  expect(parsed.ca).toBe(false);
  expect(parsed.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  expect(Date.parse(parsed.validTo) - t.clock.now()).toBeGreaterThan(Days(44));
  expect(Date.parse(parsed.validTo) - t.clock.now()).toBeLessThanOrEqual(Days(45));

  const [row] = await t.database.db.execute(sql`
    select d.name, d.arch, d.group_name, d.tags, d.channels, c.serial, e.kind, a.action, a.actor
    from devices d join certificates c on c.device = d.id join device_events e on e.device = d.id
    join audit_events a on a.subject = d.id where d.id = ${device}`);
  expect(row).toEqual({
    name: 'board-7',
    arch: 'arm64',
    group_name: 'lab',
    tags: { site: 'north' },
    channels: ['stable'],
    serial: parsed.serialNumber.toLowerCase(),
    kind: 'enrolled',
    action: 'device.enrolled',
    actor: `device:${device}`,
  });
  expect(await t.deps.authority.isRevoked(parsed.serialNumber, device)).toBe(false);
});

it('the secret of a claim is in no table', async () => {
  const token = await claim();
  const [row] = await t.database.db.execute<{ all: string }>(
    sql`select (select json_agg(c)::text from claims c) || (select json_agg(a)::text from audit_events a) as all`,
  );
  expect(row?.all).not.toContain(token.split('.')[2]);
});

describe('nothing is stored and no use is taken when', () => {
  /** What came back, and whether any table has more rows than before. */
  const attempt = async (enrolment: () => ReturnType<typeof enrol>) => {
    const before = await counts();
    const answer = await enrolment();
    const stored = (await counts()).map((after, table) => after - (before[table] ?? 0));
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.statusCode).toBe(answer.json().status);
    return { code: answer.json().code, status: answer.statusCode, stored };
  };
  const refusal = (code: string, status: number) => ({ code, status, stored: TOUCHED.map(() => 0) });

  it('the token is unknown', async () => {
    const token = `wafer1.${t.deps.authority.caDigest}.${'x'.repeat(43)}`;
    expect(await attempt(() => enrol(token))).toEqual(refusal('claim.unknown', 401));
  });

  it('the token has expired', async () => {
    const token = await claim({ expiresInSeconds: 60 });
    t.clock.advance(61_000);
    expect(await attempt(() => enrol(token))).toEqual(refusal('claim.expired', 401));
  });

  it('the token was used up', async () => {
    const token = await claim({ uses: 1 });
    expect((await enrol(token)).statusCode).toBe(201);
    expect(await attempt(() => enrol(token))).toEqual(refusal('claim.used-up', 401));
  });

  it('the token belongs to another server', async () => {
    const [wafer1, , secret] = (await claim()).split('.');
    expect(await attempt(() => enrol(`${wafer1}.${'A'.repeat(43)}.${secret}`))).toEqual(
      refusal('claim.wrong-server', 401),
    );
  });

  it('the token is garbage', async () => {
    expect(await attempt(() => enrol('wafer1.short'))).toEqual(refusal('request.invalid', 422));
  });

  it('the server has no root yet', async () => {
    const token = await claim();
    const { root } = t;
    t.root = async () => {
      throw new WaferError('trust.not-initialised', 'none yet');
    };
    expect(await attempt(() => enrol(token))).toEqual(refusal('trust.not-initialised', 409));
    t.root = root;
    expect((await enrol(token)).statusCode).toBe(201);
  });

  it.each([
    ['empty', async () => ''],
    ['no PEM', async () => 'hello'],
    [
      'PEM around noise',
      async () => '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----',
    ],
    ['cut short', async () => (await csr()).slice(0, 200)],
    ['for a P-384 key', () => csr('CN=x', { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' })],
    [
      'for an RSA key',
      () =>
        csr('CN=x', {
          name: 'RSASSA-PKCS1-v1_5',
          hash: 'SHA-256',
          modulusLength: 2048,
          publicExponent: new Uint8Array([1, 0, 1]),
        }),
    ],
    [
      'signed with another key than it names (a stolen public key)',
      async () => {
        const der = Buffer.from(x509.PemConverter.decodeFirst(await csr()));
        const at = der.length - 10;
        der[at] = (der[at] ?? 0) ^ 1;
        return x509.PemConverter.encode(der, 'CERTIFICATE REQUEST');
      },
    ],
  ])('the request is %s', async (_what, make) => {
    const token = await claim({ uses: 1 });
    expect(await attempt(async () => enrol(token, await make()))).toEqual(
      refusal('enrolment.csr-invalid', 422),
    );
    expect((await enrol(token)).statusCode).toBe(201);
  });
});

it('of twenty boards that race for three uses, three are enrolled and the others told why', async () => {
  const token = await claim({ uses: 3 });
  const request = await csr();
  const answers = await Promise.all(Array.from({ length: 20 }, () => enrol(token, request)));
  expect(answers.filter(({ statusCode }) => statusCode === 201)).toHaveLength(3);
  const codes = answers.filter(({ statusCode }) => statusCode !== 201).map((answer) => answer.json().code);
  expect(new Set(codes)).toEqual(new Set(['claim.used-up']));
});

it('a device whose assignments failed is enrolled all the same: its hello brings them', async () => {
  const { onEnrolled } = t;
  t.onEnrolled = async () => {
    throw new Error('away');
  };
  expect((await enrol(await claim())).statusCode).toBe(201);
  t.onEnrolled = onEnrolled;
});

describe('revocation', () => {
  const revoke = (device: string, role: 'admin' | 'operator' = 'admin') =>
    t.app.inject({ method: 'POST', url: `/api/v1/devices/${device}/revoke`, headers: t.as(role) });

  it('refuses the certificate at once, cuts the session and is on record', async () => {
    const { device, certificate } = (await enrol(await claim())).json<{
      device: DeviceId;
      certificate: string;
    }>();
    const { serialNumber } = new X509Certificate(certificate);
    expect((await revoke(device)).statusCode).toBe(204);
    expect(await t.deps.authority.isRevoked(serialNumber, device)).toBe(true);
    expect(t.told.cut).toContain(device);
    const events = await t.database.db.execute(
      sql`select actor, after from audit_events where subject = ${device} and action = 'device.revoked'`,
    );
    expect(events).toEqual([
      { actor: 'token:test-admin', after: { certificates: [serialNumber.toLowerCase()] } },
    ]);
    expect((await revoke(device)).statusCode).toBe(204);
    expect(t.told.cut.filter((cut) => cut === device)).toHaveLength(2);
  });

  it('of a device that is none says so', async () => {
    expect((await revoke('d-aaaaaaaaaaaaaaaa')).json().code).toBe('device.not-found');
    expect((await revoke('d-A')).json().code).toBe('request.invalid');
  });

  it('a certificate that was never handed out, or to another device, counts as revoked', async () => {
    const one = (await enrol(await claim())).json<{ device: DeviceId; certificate: string }>();
    const other = (await enrol(await claim())).json<{ device: DeviceId; certificate: string }>();
    const { serialNumber } = new X509Certificate(one.certificate);
    expect(await t.deps.authority.isRevoked(serialNumber, other.device)).toBe(true);
    const unrecorded = await t.deps.authority.issue(await csr(), one.device);
    expect(await t.deps.authority.isRevoked(unrecorded.serial, one.device)).toBe(true);
  });
});

it('time moves on for certificates: one issued an hour later ends an hour later', async () => {
  const device = 'd-aaaaaaaaaaaaaaaa' as DeviceId;
  const first = await t.deps.authority.issue(await csr(), device);
  t.clock.advance(Hours(1));
  const second = await t.deps.authority.issue(await csr(), device);
  expect(second.expires.getTime() - first.expires.getTime()).toBe(Hours(1));
});
