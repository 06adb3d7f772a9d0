import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { testApp, type TestApp } from './harness-app.ts';

let t: TestApp;
beforeAll(async () => void (t = await testApp()));
afterAll(() => t.close());

const follow = (token: string, headers: Record<string, string> = { accept: 'text/html' }) =>
  t.app.inject({ url: `/sign-in?token=${token}`, headers });

/** The cookie of a fresh session, as a browser sends it back. */
async function signIn(): Promise<string> {
  const answer = await follow(await t.people.createLink());
  expect(answer.headers.location).toBe('/');
  return [answer.headers['set-cookie']].flat()[0]?.split(';')[0] ?? '';
}

const me = (headers: Record<string, string>) => t.app.inject({ url: '/api/v1/me', headers });

describe('a sign-in link', () => {
  it('gives a cookie that scripts cannot read and other sites cannot send along', async () => {
    const answer = await follow(await t.people.createLink());
    expect(answer.statusCode).toBe(302);
    const [cookie] = [answer.headers['set-cookie']].flat();
    expect(cookie).toMatch(/^wafer\.session_token=.*; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['referrer-policy']).toBe('no-referrer');
  });

  it('makes an admin of whoever follows it', async () => {
    expect((await me({ cookie: await signIn() })).json()).toEqual({
      name: 'admin',
      role: 'admin',
      via: 'session',
    });
  });

  it('works once, even when two follow it at the same time', async () => {
    const token = await t.people.createLink();
    const answers = await Promise.all([follow(token), follow(token), follow(token)]);
    const places = answers.map(({ headers }) => `${headers.location}`).toSorted();
    const out = '/signed-out?reason=auth.link-invalid';
    expect(places).toEqual(['/', out, out]);
  });

  it('is not used up by the HEAD of a link preview', async () => {
    const token = await t.people.createLink();
    const head = await t.app.inject({ method: 'HEAD', url: `/sign-in?token=${token}` });
    expect(head.headers['set-cookie']).toBeUndefined();
    expect((await follow(token)).headers.location).toBe('/');
  });

  it('does not work after 15 minutes', async () => {
    const token = await t.people.createLink();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 15 * 60_000 + 1000 });
    const answer = await follow(token).finally(() => vi.useRealTimers());
    expect(answer.headers.location).toBe('/signed-out?reason=auth.link-invalid');
  });

  it('that is wrong answers a script with a problem, and a missing one likewise', async () => {
    for (const token of ['nonsense', '', '%00', '../../etc', 'x'.repeat(500)]) {
      const answer = await follow(token, { accept: 'application/json' });
      expect(answer.statusCode).toBe(401);
      expect(answer.json().code).toBe('auth.link-invalid');
    }
  });

  it('is made for an admin’s token, and not for an operator’s', async () => {
    const ask = (role: 'admin' | 'operator') =>
      t.app.inject({ method: 'POST', url: '/api/v1/sign-in-links', headers: t.as(role) });
    expect((await ask('operator')).json().code).toBe('auth.forbidden');
    const { url } = (await ask('admin')).json<{ url: string }>();
    const { pathname, search } = new URL(url);
    expect((await t.app.inject({ url: pathname + search })).headers.location).toBe('/');
  });

  it('lies in the database only as a hash', async () => {
    const token = await t.people.createLink();
    const [row] = await t.database.db.execute<{ all: string }>(
      sql`select json_agg(v)::text as all from verifications v`,
    );
    expect(row?.all).not.toContain(token);
  });
});

describe('a session', () => {
  it('ends when its person signs out, and the cookie is worth nothing from then on', async () => {
    const cookie = await signIn();
    const own = { cookie, 'sec-fetch-site': 'same-origin' };
    const out = await t.app.inject({ method: 'DELETE', url: '/api/v1/session', headers: own });
    expect(out.statusCode).toBe(204);
    expect([out.headers['set-cookie']].flat()[0]).toMatch(/^wafer\.session_token=;.*Max-Age=0/);
    expect((await me({ cookie })).json().code).toBe('auth.required');
  });

  it('with a forged signature is none', async () => {
    const cookie = await signIn();
    expect((await me({ cookie: `${cookie.slice(0, -6)}AAAA%3D` })).statusCode).toBe(401);
  });

  it.each([
    ['another site (cross-site request forgery)', { 'sec-fetch-site': 'cross-site' }],
    ['a neighbour on the same host (same-site is not same-origin)', { 'sec-fetch-site': 'same-site' }],
    ['another origin, in a browser without Fetch Metadata', { origin: 'http://evil.example' }],
    ['another port of this host', { origin: 'http://localhost:81' }],
    ['nowhere that it names', {}],
    ['a sandboxed frame', { origin: 'null' }],
  ])('changes nothing at the wish of %s', async (_who, headers) => {
    const answer = await t.app.inject({
      method: 'POST',
      url: '/api/v1/claim-tokens',
      headers: { cookie: await signIn(), ...headers },
      payload: {},
    });
    expect(answer.json().code).toBe('auth.forbidden');
  });

  it.each([{ 'sec-fetch-site': 'same-origin' }, { origin: 'http://localhost:80' }])(
    'changes things for our own page: %o',
    async (headers) => {
      const answer = await t.app.inject({
        method: 'POST',
        url: '/api/v1/claim-tokens',
        headers: { cookie: await signIn(), host: 'localhost:80', ...headers },
        payload: {},
      });
      expect(answer.statusCode).toBe(201);
    },
  );

  it('that a person began is on record', async () => {
    await signIn();
    const [event] = await t.database.db.execute(
      sql`select actor, action, source from audit_events where action = 'person.signed-in' limit 1`,
    );
    expect(event).toEqual({ actor: 'user:admin', action: 'person.signed-in', source: '127.0.0.1' });
  });
});

describe('an API token', () => {
  const create = async (role = 'viewer') =>
    (
      await t.app.inject({
        method: 'POST',
        url: '/api/v1/tokens',
        headers: t.as('admin'),
        payload: { name: 'ci', role },
      })
    ).json<{ id: string; token: string }>();

  it('speaks for its name and role, and lies in the database only as a hash', async () => {
    const { token } = await create('operator');
    const answer = await me({ authorization: `Bearer ${token}` });
    expect(answer.json()).toEqual({ name: 'ci', role: 'operator', via: 'token' });
    const [row] = await t.database.db.execute<{ all: string }>(
      sql`select (select json_agg(t)::text from api_tokens t) || (select json_agg(a)::text from audit_events a) as all`,
    );
    expect(row?.all).not.toContain(token);
  });

  it('that was deleted is worth nothing, and deleting it again says so', async () => {
    const { id, token } = await create();
    const gone = () =>
      t.app.inject({ method: 'DELETE', url: `/api/v1/tokens/${id}`, headers: t.as('admin') });
    expect((await gone()).statusCode).toBe(204);
    expect((await me({ authorization: `Bearer ${token}` })).statusCode).toBe(401);
    expect((await gone()).json().code).toBe('request.not-found');
  });

  it('that is wrong is not made good by a session beside it', async () => {
    const answer = await me({ authorization: 'Bearer nonsense', cookie: await signIn() });
    expect(answer.json().code).toBe('auth.required');
  });

  it('needs no page of ours to come from: browsers never send it unasked', async () => {
    const headers = { ...t.as('operator'), 'sec-fetch-site': 'cross-site' };
    const answer = await t.app.inject({ method: 'POST', url: '/api/v1/claim-tokens', headers, payload: {} });
    expect(answer.statusCode).toBe(201);
  });
});

it('the audit is read newest first, page by page, without gaps', async () => {
  for (let n = 0; n < 5; n += 1)
    await t.app.inject({
      method: 'POST',
      url: '/api/v1/claim-tokens',
      headers: t.as('operator'),
      payload: {},
    });
  const seen: number[] = [];
  for (let cursor = ''; ;) {
    const url = `/api/v1/audit?limit=3${cursor && `&cursor=${cursor}`}`;
    const page = (await t.app.inject({ url, headers: t.as('admin') })).json();
    seen.push(...page.items.map(({ id }: { id: string }) => Number(id)));
    if (page.next === undefined) break;
    cursor = page.next;
  }
  const [row] = await t.database.db.execute<{ ids: number[] }>(
    sql`select json_agg(id order by id desc) as ids from audit_events`,
  );
  expect(seen).toEqual(row?.ids);
  const bad = await t.app.inject({ url: '/api/v1/audit?cursor=x', headers: t.as('admin') });
  expect(bad.json().code).toBe('request.invalid');
});
