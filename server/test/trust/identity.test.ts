/** Attacks on enrolment and on boards' certificates, against a whole server. */
import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { CloneList, Days, deviceTopic, Minutes } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditTwins } from '../../src/identity/index.ts';
import { newBoardKey, openFleet, type Board, type Fleet } from '../boards.ts';
import { createTestAuthority } from '../mqtt-certificates.ts';
import { next, SOON } from '../mqtt-link.ts';

let fleet: Fleet;
beforeAll(async () => void (fleet = await openFleet()));
afterAll(() => fleet.close());

const events = async (subject: string, action: string) => [
  ...(await fleet.database.db.execute<{
    actor: string;
    source: string | null;
    after: Record<string, unknown>;
  }>(
    sql`select actor, source, after from audit_events where subject = ${subject} and action = ${action} order by id`,
  )),
];

const rowsOf = async (table: 'devices' | 'certificates'): Promise<number> => {
  const rows = await fleet.database.db.execute<{ n: number }>(
    sql`select count(*)::int as n from ${sql.identifier(table)}`,
  );
  return rows[0]?.n ?? -1;
};

const revokeDevice = (device: string) =>
  fleet.app.inject({
    method: 'POST',
    url: `/api/v1/devices/${device}/revoke`,
    headers: fleet.as('admin'),
  });

describe('claim tokens', () => {
  /** The code of the refusal, and that nothing was stored. */
  const refused = async (token: string): Promise<string> => {
    const before = [await rowsOf('devices'), await rowsOf('certificates')];
    const answer = await fleet.enrol(token);
    expect(answer.statusCode).toBe(401);
    expect([await rowsOf('devices'), await rowsOf('certificates')]).toEqual(before);
    return answer.json().code;
  };

  it('attack: a claim token for one board is used twice', async () => {
    const token = await fleet.claim({ uses: 1 });
    const key = await newBoardKey();
    expect((await fleet.enrol(token, key)).statusCode).toBe(201);
    const again = await fleet.enrol(token, key);
    expect(again.json().code).toBe('claim.used-up');
  });

  it('attack: a claim token that one board used is used by another board', async () => {
    const token = await fleet.claim({ uses: 1 });
    expect((await fleet.enrol(token)).statusCode).toBe(201);
    expect(await refused(token)).toBe('claim.used-up');
  });

  it('attack: a claim token is used late', async () => {
    const token = await fleet.claim({ expiresInSeconds: 60, uses: 5 });
    fleet.clock.advance(Minutes(1));
    expect(await refused(token)).toBe('claim.expired');
  });

  it('attack: a claim token is used after it was revoked', async () => {
    const token = await fleet.claim({ name: 'for the lab', uses: 5, group: 'lab', tags: { site: 'north' } });
    expect((await fleet.enrol(token)).statusCode).toBe(201);
    const as = { headers: fleet.as('operator') };
    const list = await fleet.app.inject({ method: 'GET', url: '/api/v1/claim-tokens', ...as });
    const found = list.json().items.find(({ usesLeft }: { usesLeft: number }) => usesLeft === 4);
    expect(found).toMatchObject({
      name: 'for the lab',
      madeBy: 'token:test-operator',
      revoked: null,
      group: 'lab',
      tags: { site: 'north' },
    });
    expect(JSON.stringify(list.json())).not.toContain(token.split('.')[2]);
    const url = `/api/v1/claim-tokens/${found.id}`;
    for (const _time of ['first', 'again'])
      expect((await fleet.app.inject({ method: 'DELETE', url, ...as })).statusCode).toBe(204);
    expect(await refused(token)).toBe('claim.revoked');
    expect(await events(found.id, 'claim.revoked')).toHaveLength(1);
    const unknown = '/api/v1/claim-tokens/00000000-0000-4000-8000-000000000000';
    expect((await fleet.app.inject({ method: 'DELETE', url: unknown, ...as })).json().code).toBe(
      'claim.not-found',
    );
  });
});

describe('revocation', () => {
  it('attack: a revoked board goes on with the session that it has, and comes back', async () => {
    const board = await fleet.board();
    const client = await fleet.connect(board);
    const ended = next(client, 'close');
    expect((await revokeDevice(board.device)).statusCode).toBe(204);
    await ended;
    expect(fleet.bus.online()).not.toContain(board.device);
    await expect(fleet.connect(board)).rejects.toMatchObject({ code: 5 });
    expect(await events(board.device, 'device.revoked')).toHaveLength(1);
  });

  it('attack: a revoked board renews its certificate', async () => {
    const board = await fleet.board();
    await revokeDevice(board.device);
    const before = await rowsOf('certificates');
    const { status, body } = await fleet.renew(board, await board.key.csr());
    expect([status, body.code]).toEqual([401, 'certificate.refused']);
    expect(await rowsOf('certificates')).toBe(before);
  });

  it('attack: a revoked board uses the certificate from before its renewal, or the one from after', async () => {
    const board = await fleet.board();
    const { body } = await fleet.renew(board, await board.key.csr());
    await revokeDevice(board.device);
    for (const certificate of [board.certificate, body.certificate ?? ''])
      await expect(fleet.connect({ ...board, certificate })).rejects.toMatchObject({ code: 5 });
  });
});

describe('renewal', () => {
  const serialOf = (pem: string): string => new X509Certificate(pem).serialNumber.toLowerCase();

  it('gives a certificate for the same name and key; both work until the old one expires', async () => {
    const board = await fleet.board();
    fleet.clock.advance(Minutes(5));
    const { status, body } = await fleet.renew(board, await board.key.csr());
    expect(status).toBe(201);
    const renewed: Board = { ...board, certificate: body.certificate ?? '' };
    const [was, is] = [new X509Certificate(board.certificate), new X509Certificate(renewed.certificate)];
    expect(is.subject).toBe(was.subject);
    expect(is.publicKey.equals(was.publicKey)).toBe(true);
    expect(Date.parse(is.validTo)).toBeGreaterThan(Date.parse(was.validTo));
    for (const serial of [was, is].map(({ serialNumber }) => serialNumber))
      expect(await fleet.deps.authority.isRevoked(serial, board.device)).toBe(false);
    for (const each of [board, renewed, board]) await (await fleet.connect(each)).endAsync();
    const [event] = await events(board.device, 'certificate.renewed');
    expect(event).toMatchObject({
      actor: `device:${board.device}`,
      after: { serial: serialOf(renewed.certificate) },
    });
  });

  it('takes a certificate that expired while its board was away', async () => {
    const board = await fleet.board();
    // Issued in the past of the real clock, as TLS judges by it.
    fleet.clock.advance(-1 * Days(400));
    const csr = await board.key.csr();
    const old = await fleet.deps.authority.issue(csr, board.device);
    fleet.clock.advance(Days(400));
    await fleet.database.db.execute(
      sql`update certificates set serial = ${old.serial} where device = ${board.device}`,
    );
    const away = { ...board, certificate: old.certificate };
    await expect(fleet.connect(away)).rejects.toThrow();
    const { status, body } = await fleet.renew(away, csr);
    expect(status).toBe(201);
    expect(Date.parse(new X509Certificate(body.certificate ?? '').validTo)).toBeGreaterThan(Date.now());
  });

  it('attack: a board goes on in the session that it has after its certificate expired, or opens another', async () => {
    const old = await fleet.board();
    fleet.clock.advance(Minutes(2));
    const renewed = {
      ...old,
      certificate: (await fleet.renew(old, await old.key.csr())).body.certificate ?? '',
    };
    const fresh = await fleet.board();
    const [session, other] = [await fleet.connect(old), await fleet.connect(fresh)];
    const ended = next(session, 'close');
    const life = Date.parse(new X509Certificate(old.certificate).validTo) - fleet.clock.now();
    fleet.clock.advance(life);
    try {
      await ended;
      await expect.poll(() => fleet.bus.online(), SOON).not.toContain(old.device);
      expect(fleet.bus.online()).toContain(fresh.device);
      expect(other.connected).toBe(true);
      // TLS looks at the computer's clock, by which it is still valid.
      await expect(fleet.connect(old)).rejects.toMatchObject({ code: 5 });
      expect(fleet.bus.counts()['certificate-expired']).toBe(2);
      await (await fleet.connect(renewed)).endAsync();
    } finally {
      fleet.clock.advance(-1 * life);
    }
  });

  it('attack: a renewal without a certificate, with one of another authority, or with one never handed out', async () => {
    const board = await fleet.board();
    const csr = await board.key.csr();
    const { cert, key } = await (await createTestAuthority()).issue(board.device);
    const foreign = { certificate: cert, key: { ...board.key, pem: key } };
    const unrecorded = await fleet.deps.authority.issue(csr, board.device);
    const before = await rowsOf('certificates');
    for (const shown of [undefined, foreign, { ...board, certificate: unrecorded.certificate }]) {
      const { status, body } = await fleet.renew(shown, csr);
      expect([status, body.code]).toEqual([401, 'certificate.refused']);
    }
    expect(await rowsOf('certificates')).toBe(before);
  });

  it('attack: a renewal for the key of another board', async () => {
    const [board, other] = [await fleet.board(), await newBoardKey()];
    const { status, body } = await fleet.renew(board, await other.csr());
    expect([status, body.code]).toEqual([422, 'enrolment.csr-invalid']);
  });

  it('attack: a board fills the table of certificates', async () => {
    const board = await fleet.board();
    const csr = await board.key.csr();
    const answers = [];
    for (let count = 0; count < 12; count += 1) answers.push((await fleet.renew(board, csr)).status);
    expect(answers.filter((status) => status === 201)).toHaveLength(9);
    expect(answers.slice(9)).toEqual([429, 429, 429]);
  });
});

describe('clones', () => {
  const shown = async (...devices: string[]) => {
    const answer = await fleet.app.inject({ url: '/api/v1/devices/clones', headers: fleet.as('operator') });
    return CloneList.parse(answer.json()).items.filter((clone) =>
      clone.devices.some(({ id }) => devices.includes(id)),
    );
  };

  it('attack: a copied key is used in a second session while the first lives', async () => {
    const board = await fleet.board();
    const first = await fleet.connect(board);
    const ended = next(first, 'close');
    await fleet.connect(board);
    await ended;
    await expect.poll(() => events(board.device, 'device.cloned'), SOON).toHaveLength(1);
    const [event] = await events(board.device, 'device.cloned');
    expect(event?.after).toMatchObject({ why: 'two live sessions', earlier: { source: '127.0.0.1' } });
    // The copy takes the place, the board takes it back, and so on: it is on record once.
    await fleet.connect(board);
    await expect.poll(() => fleet.bus.counts()['session-doubled'], SOON).toBeGreaterThanOrEqual(2);
    expect(await events(board.device, 'device.cloned')).toHaveLength(1);

    const [clone, ...others] = await shown(board.device);
    expect(others).toEqual([]);
    expect(clone).toMatchObject({ why: 'two live sessions', devices: [{ id: board.device, name: 'board' }] });
    const serial = new X509Certificate(board.certificate).serialNumber.toLowerCase();
    const session = { source: '127.0.0.1', serial };
    expect(clone?.sessions).toEqual([session, session]);
    await revokeDevice(board.device);
    expect(await shown(board.device)).toEqual([]);
  });

  it('a board that lost its link and comes back is no clone', async () => {
    const board = await fleet.board();
    const first = await fleet.connect(board);
    // It reads nothing any more, and nobody told the server.
    first.stream.pause();
    const second = await fleet.connect(board);
    await second.publishAsync(deviceTopic(board.device, 'health'), '{}', { qos: 1 });
    expect(await events(board.device, 'device.cloned')).toEqual([]);
  });

  describe.each([
    ['one serial number', 'the serial number of the board'],
    ['one key', 'the key'],
  ])('with %s', (shared, why) => {
    it('attack: two boards are online at a time', async () => {
      const key = await newBoardKey();
      const isKey = shared === 'one key';
      const one = await fleet.board({}, isKey ? key : undefined);
      const other = await fleet.board({}, isKey ? key : undefined);
      const serial = isKey ? undefined : `serial-of-${one.device}`;
      const hello = (board: Board, online: boolean) =>
        fleet.database.db.execute(sql`update devices set online = ${online},
          inventory = ${JSON.stringify({ serial })}::jsonb where id = ${board.device}`);

      // Enrolled anew on the same board: the earlier identity is never heard again.
      await hello(one, false);
      await hello(other, true);
      await auditTwins(fleet.deps, other.device);
      expect(await events(other.device, 'device.cloned')).toEqual([]);

      await hello(one, true);
      for (const board of [one, one, other]) await auditTwins(fleet.deps, board.device);
      const told = await Promise.all([one, other].map(({ device }) => events(device, 'device.cloned')));
      expect(told.map((each) => each.map(({ after }) => after))).toEqual([
        [{ why, twin: other.device }],
        [{ why, twin: one.device }],
      ]);

      const clones = await shown(one.device, other.device);
      expect(clones).toMatchObject([{ why, sessions: [] }]);
      expect(clones[0]?.devices.map(({ id }) => id)).toEqual([one.device, other.device].toSorted());
      expect(clones[0]?.devices.map(({ boardSerial }) => boardSerial ?? undefined)).toEqual([serial, serial]);
      fleet.clock.advance(Days(7));
      expect(await shown(one.device)).toEqual([]);
      fleet.clock.advance(-1 * Days(7));
      await revokeDevice(other.device);
      // Neither of two boards with one key is safe; of two with one serial number, one may be.
      const after = (await shown(one.device)).flatMap(({ devices }) => devices);
      expect(after.filter(({ revoked }) => revoked).map(({ id }) => id)).toEqual(isKey ? [other.device] : []);
      await revokeDevice(one.device);
      expect(await shown(one.device)).toEqual([]);
    });
  });
});
