import { rm, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AuditChain, AuditVerification, CHAIN_START, chainHash, type AuditEventView } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditRow, SERVER_ACTOR } from '../../src/audit/index.ts';
import { openKeeper } from '../../src/audit/keeper.ts';
import { Sealer } from '../../src/audit/sealer.ts';
import { readHead, readUnsealed, sealBatch, type Seal } from '../../src/audit/store.ts';
import { testApp, type TestApp } from '../harness-app.ts';

let t: TestApp;
beforeEach(async () => void (t = await testApp()));
afterEach(() => t.close());

const get = async (path: string) =>
  (await t.app.inject({ url: `/api/v1${path}`, headers: t.as('admin') })).json();
const verify = async () => AuditVerification.parse(await get('/audit/verification'));
const chain = async () => AuditChain.parse(await get('/audit/chain?limit=1000')).items;
const change = () =>
  t.app.inject({ method: 'POST', url: '/api/v1/claim-tokens', headers: t.as('operator'), payload: {} });
const many = async (count: number) => {
  for (let n = 0; n < count; n += 1) expect((await change()).statusCode).toBe(201);
};

/** As a superuser of the database can: the trigger is off while it happens. */
async function tamper(statement: ReturnType<typeof sql>): Promise<void> {
  const { db } = t.database;
  await db.execute(sql`alter table audit_events disable trigger user`);
  await db.execute(statement);
  await db.execute(sql`alter table audit_events enable trigger user`);
}

describe('the audit chain', () => {
  it('holds, and says so, with every event in it', async () => {
    await many(5);
    const found = await verify();
    const [row] = await t.database.db.execute(sql`select count(*)::integer as n from audit_events`);
    expect(found).toMatchObject({ broken: null, unsealed: 0, head: { seq: row?.['n'] } });
  });

  it('takes what changed as it is: fractions, nothing, and every character', async () => {
    const after = { share: 0.25, none: null, text: 'ü "quoted" \\ \n €', deep: [{ b: 1, a: [1.5, -2] }] };
    const event = { actor: SERVER_ACTOR, at: t.clock.now(), action: 'test.done', subject: 'x', after };
    await t.database.db.execute(auditRow(event));
    expect(await verify()).toMatchObject({ broken: null, unsealed: 0 });
  });

  it('has no fork and no gap when several servers seal at the same time', async () => {
    const keeper = await openKeeper(join(t.dataFolder, 'server'));
    const sealers = Array.from({ length: 4 }, () => new Sealer({ ...t.deps, keeper }));
    for (let round = 0; round < 5; round += 1)
      await Promise.all([
        ...sealers.map((sealer) => sealer.seal()),
        many(4),
        ...sealers.map((s) => s.seal()),
      ]);
    expect(await verify()).toMatchObject({ broken: null, unsealed: 0 });
    const events = await chain();
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
  });

  it('takes a batch whole or not at all, when another server sealed a part of it meanwhile', async () => {
    await many(2);
    await get('/audit/status'); // seals them
    const sealed = await chain();
    await many(1);
    const waiting = await readUnsealed(t.database.db, 10);
    const head = await readHead(t.database.db);
    const stale = [...sealed, ...waiting].map(({ id }, at): Seal => ({
      id,
      seq: head.seq + 1 + at,
      hash: 'x',
      signature: null,
    }));
    expect(await sealBatch(t.database.db, head, stale)).toBe(false);
    expect(await verify()).toMatchObject({ broken: null, unsealed: 0, head: { seq: sealed.length + 1 } });
  });

  it.each([
    ['changed', sql`update audit_events set actor = 'user:somebody-else'`],
    ['removed', sql`delete from audit_events`],
    ['emptied', sql`truncate audit_events`],
    [
      'sealed by hand at birth',
      sql`insert into audit_events (at, actor, action, subject, seq, hash)
      values (now(), 'server', 'forged', 'x', 900, 'x')`,
    ],
  ])('refuses to be %s, whatever the server’s own connection asks', async (_, statement) => {
    await many(2);
    const before = await chain();
    const refusal = await t.database.db.execute(statement).then(
      () => undefined,
      (error: { cause?: { message?: string } }) => error.cause?.message,
    );
    expect(refusal).toMatch(/append-only/);
    expect((await chain()).slice(0, before.length)).toEqual(before);
  });
});

describe('a superuser of the database', () => {
  const first = sql`(select min(seq) + 1 from audit_events)`;

  it.each([
    ['alters who did it', sql`update audit_events set actor = 'user:nobody' where seq = ${first}`],
    ['alters when it was', sql`update audit_events set at = at - interval '1 day' where seq = ${first}`],
    ['alters from where', sql`update audit_events set source = '192.0.2.1' where seq = ${first}`],
    ['alters what was changed', sql`update audit_events set after = '{"uses":1}' where seq = ${first}`],
    ['erases what was before', sql`update audit_events set after = null where seq = ${first}`],
    ['removes one', sql`delete from audit_events where seq = ${first}`],
  ])('%s, and the chain breaks there', async (_, statement) => {
    await many(4);
    expect((await verify()).broken).toBeNull();
    await tamper(statement);
    expect((await verify()).broken?.seq).toBe(2);
  });

  it('who removes an event and renumbers the rest is found', async () => {
    await many(4);
    await verify();
    await tamper(sql`delete from audit_events where seq = 3`);
    await tamper(sql`update audit_events set seq = -seq where seq > 3`);
    await tamper(sql`update audit_events set seq = -seq - 1 where seq < 0`);
    expect((await verify()).broken?.seq).toBe(3);
  });

  it('who alters an event and hashes everything anew is found by the signature', async () => {
    await many(6);
    await verify();
    await rehash(2, (event) => ({ ...event, actor: 'user:nobody' }), 'keep');
    const { broken } = await verify();
    expect(broken?.reason).toMatch(/signature/);
  });

  it('who hashes anew and drops the signatures is found at the end', async () => {
    await many(6);
    await verify();
    await rehash(2, (event) => ({ ...event, actor: 'user:nobody' }), 'drop');
    await rm(join(t.dataFolder, 'server', 'audit-head.json'));
    expect((await verify()).broken?.reason).toMatch(/not signed/);
  });

  it('who cuts the end off is found by the head that the server wrote down', async () => {
    await many(2);
    await verify(); // a signed head of its own
    await many(2);
    const { head } = await verify();
    await tamper(sql`delete from audit_events where seq >= ${head.seq - 1}`);
    expect((await verify()).broken?.reason).toContain(`wrote down a head at ${head.seq}`);
    await many(4); // life goes on, and the proof stays
    expect((await verify()).broken).not.toBeNull();
    const kept = JSON.parse(await readFile(join(t.dataFolder, 'server', 'audit-head.json'), 'utf8'));
    expect(kept).toEqual(head);
  });

  it('who takes seals away to have altered events sealed again is found', async () => {
    await many(3);
    const { head } = await verify();
    await tamper(sql`update audit_events set actor = 'user:nobody', seq = null, hash = null, signature = null
      where seq = ${head.seq}`);
    expect((await verify()).broken?.seq).toBe(head.seq);
  });

  async function rehash(
    from: number,
    alter: (event: AuditEventView) => AuditEventView,
    signatures: 'keep' | 'drop',
  ): Promise<void> {
    let head = CHAIN_START;
    for (const old of await chain()) {
      const event = old.seq === from ? alter(old) : old;
      const seq = head.seq + 1;
      head = { seq, hash: chainHash(head, event) };
      await tamper(sql`update audit_events set actor = ${event.actor}, hash = ${head.hash},
        signature = ${signatures === 'keep' ? old.signature : null} where seq = ${seq}`);
    }
  }
});

describe('the audit list', () => {
  it('is filtered by target and by actor, from their beginning', async () => {
    await many(2);
    const { db } = t.database;
    const event = (subject: string) =>
      auditRow({
        actor: { audit: 'user:ann', source: '::1' },
        at: t.clock.now(),
        action: 'test.done',
        subject,
      });
    await db.execute(event('channel:stable/thermo'));
    await db.execute(event('channel:beta/thermo'));
    await db.execute(event('channel:%'));
    const subjects = async (query: string): Promise<string[]> =>
      (await get(`/audit?${query}`)).items.map(({ subject }: AuditEventView) => subject);
    expect(await subjects('target=channel:stable')).toEqual(['channel:stable/thermo']);
    expect(await subjects('target=channel:%25')).toEqual(['channel:%']);
    expect(await subjects('actor=user:ann&limit=2')).toEqual(['channel:%', 'channel:beta/thermo']);
    expect(await subjects('actor=nobody')).toEqual([]);
  });
});
