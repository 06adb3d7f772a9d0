import { sql } from 'drizzle-orm';
import { InvitedPerson, PersonList, SessionList, type Role } from '@wafer/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { testApp, type TestApp } from '../harness-app.ts';

let t: TestApp;
beforeEach(async () => void (t = await testApp()));
afterEach(() => t.close());

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
const admin = (method: Method, path: string, payload?: object) =>
  t.app.inject({ method, url: `/api/v1${path}`, headers: t.as('admin'), ...(payload && { payload }) });

async function invite(name: string, role: Role) {
  const answer = await admin('POST', '/people', { name, email: `${name}@example.org`, role });
  expect(answer.statusCode).toBe(201);
  return InvitedPerson.parse(answer.json());
}

/** The cookie that following the link gives; undefined when it gives none. */
async function follow(url: string, headers: Record<string, string> = {}): Promise<string | undefined> {
  const { pathname, search } = new URL(url);
  const answer = await t.app.inject({ url: pathname + search, headers: { accept: 'text/html', ...headers } });
  return [answer.headers['set-cookie']].flat()[0]?.split(';')[0];
}

const me = async (cookie = '') => (await t.app.inject({ url: '/api/v1/me', headers: { cookie } })).json();
const people = async () => PersonList.parse((await admin('GET', '/people')).json()).items;
const sessions = async () => SessionList.parse((await admin('GET', '/people/sessions')).json()).items;

describe('a person', () => {
  it('comes in by an invitation, once, with the role that was given', async () => {
    const { url } = await invite('ann', 'operator');
    const cookie = await follow(url);
    expect(await me(cookie)).toEqual({ name: 'ann', role: 'operator', via: 'session' });
    expect(await follow(url)).toBeUndefined();
  });

  it('has three days for it, and an admin may invite again', async () => {
    const { id, url } = await invite('ann', 'viewer');
    const again = InvitedPerson.parse((await admin('POST', `/people/${id}/invitations`)).json());
    const now = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: now + 2.9 * 86_400_000 });
    const cookie = await follow(again.url).finally(() => vi.useRealTimers());
    expect(cookie).toBeDefined();
    vi.useFakeTimers({ toFake: ['Date'], now: now + 3.1 * 86_400_000 });
    const late = await follow(url).finally(() => vi.useRealTimers());
    expect(late).toBeUndefined();
  });

  it('is known by one address, whatever its case', async () => {
    await invite('ann', 'viewer');
    const body = { name: 'other', email: 'ANN@example.org', role: 'admin' };
    expect((await admin('POST', '/people', body)).json().code).toBe('person.exists');
  });

  it('loses a role at once, in the sessions that are open', async () => {
    const { id, url } = await invite('ann', 'admin');
    const cookie = await follow(url);
    expect((await admin('PUT', `/people/${id}/role`, { role: 'viewer' })).statusCode).toBe(204);
    expect((await me(cookie)).role).toBe('viewer');
  });

  it('who is removed is signed out everywhere, and the link not used yet is worth nothing', async () => {
    const { id, url } = await invite('ann', 'admin');
    const cookie = await follow(url);
    const { url: second } = InvitedPerson.parse((await admin('POST', `/people/${id}/invitations`)).json());
    expect((await admin('DELETE', `/people/${id}`)).statusCode).toBe(204);
    expect((await me(cookie)).code).toBe('auth.required');
    expect(await follow(second)).toBeUndefined();
    expect((await admin('DELETE', `/people/${id}`)).json().code).toBe('request.not-found');
  });

  it('is on record with what was before and after', async () => {
    const { id } = await invite('ann', 'viewer');
    await admin('PUT', `/people/${id}/role`, { role: 'operator' });
    await admin('DELETE', `/people/${id}`);
    const rows = await t.database.db.execute(sql`
      select action, before ->> 'role' as before, after ->> 'role' as after, source
      from audit_events where subject = ${`person:${id}`} order by id`);
    expect([...rows]).toEqual([
      { action: 'person.invited', before: null, after: 'viewer', source: '127.0.0.1' },
      { action: 'person.role-changed', before: 'viewer', after: 'operator', source: '127.0.0.1' },
      { action: 'person.removed', before: 'operator', after: null, source: '127.0.0.1' },
    ]);
  });
});

describe('an API token', () => {
  const create = async (body: object) => (await admin('POST', '/tokens', { name: 'ci', ...body })).json();
  const ask = async (token: string, method: Method, path: string) => {
    const headers = { authorization: `Bearer ${token}` };
    return (await t.app.inject({ method, url: `/api/v1${path}`, headers, payload: {} })).statusCode;
  };

  it('that was narrowed reaches its scopes and nothing else, whatever its role', async () => {
    const { token } = await create({ role: 'admin', scopes: ['audit:read', 'enrolment:write'] });
    expect(await ask(token, 'GET', '/audit')).toBe(200);
    expect(await ask(token, 'GET', '/me')).toBe(200);
    expect(await ask(token, 'POST', '/claim-tokens')).toBe(201);
    for (const [method, path] of [
      ['GET', '/people'],
      ['GET', '/tokens'],
      ['POST', '/tokens'],
      ['POST', '/sign-in-links'],
      ['POST', '/devices/d-aaaaaaaaaaaaaaaa/revoke'],
    ] as const)
      expect([path, await ask(token, method, path)]).toEqual([path, 403]);
  });

  it('cannot be given a scope over people, and so cannot make a wider one', async () => {
    expect((await create({ role: 'admin', scopes: ['people:write'] })).code).toBe('request.invalid');
    expect((await create({ role: 'admin', scopes: [] })).code).toBe('request.invalid');
  });

  it('ends when it expires, and until then is listed without its secret', async () => {
    const { id, token } = await create({ role: 'viewer', expiresInSeconds: 60 });
    expect(await ask(token, 'GET', '/me')).toBe(200);
    const list = (await admin('GET', '/tokens')).json();
    expect(list.items.find((item: { id: string }) => item.id === id)).toMatchObject({ scopes: null });
    expect(JSON.stringify(list)).not.toContain(token);
    t.clock.advance(60_000);
    expect(await ask(token, 'GET', '/me')).toBe(401);
  });
});

describe('an API token that a person made', () => {
  /** A session of somebody new. */
  async function comeIn(name: string, role: Role = 'admin') {
    const { id, url } = await invite(name, role);
    return { id, cookie: (await follow(url)) ?? '' };
  }
  const inSession = (cookie: string, method: Method, path: string, payload?: object) =>
    t.app.inject({
      method,
      url: `/api/v1${path}`,
      headers: { cookie, 'sec-fetch-site': 'same-origin' },
      ...(payload && { payload }),
    });
  const makeIn = async (cookie: string, body: object = {}): Promise<{ id: string; token: string }> =>
    (await inSession(cookie, 'POST', '/tokens', { name: 'ci', role: 'admin', ...body })).json();
  const withToken = (token: string, method: Method, path: string, payload?: object) =>
    t.app.inject({
      method,
      url: `/api/v1${path}`,
      headers: { authorization: `Bearer ${token}` },
      ...(payload && { payload }),
    });
  const roleOf = async (token: string) => (await withToken(token, 'GET', '/me')).json().role;
  const idsIn = async (cookie: string) =>
    (await inSession(cookie, 'GET', '/me/tokens')).json().items.map(({ id }: { id: string }) => id);

  it('goes with the person, also one that was made with such a token, and the machine’s stay', async () => {
    const ann = await comeIn('ann');
    const made = await makeIn(ann.cookie);
    const child: { id: string; token: string } = (
      await withToken(made.token, 'POST', '/tokens', { name: 'child', role: 'admin' })
    ).json();
    const machines = (await admin('POST', '/tokens', { name: 'of the machine', role: 'viewer' })).json();
    expect((await admin('DELETE', `/people/${ann.id}`)).statusCode).toBe(204);
    for (const { token } of [made, child])
      expect((await withToken(token, 'GET', '/me')).statusCode).toBe(401);
    expect(await roleOf(machines.token)).toBe('viewer');
    const rows = await t.database.db.execute(sql`
      select actor, subject, source, before from audit_events where action = 'token.deleted' order by before ->> 'name'`);
    const said = { actor: 'token:test-admin', source: '127.0.0.1' };
    expect([...rows]).toEqual([
      { ...said, subject: child.id, before: { name: 'child', role: 'admin', owner: ann.id } },
      { ...said, subject: made.id, before: { name: 'ci', role: 'admin', owner: ann.id } },
    ]);
  });

  it('stays with a person who could not be removed', async () => {
    const { cookie, id } = await comeIn('ann');
    const { token } = await makeIn(cookie);
    for (const { id: other } of (await people()).filter((person) => person.id !== id))
      await admin('DELETE', `/people/${other}`);
    expect((await admin('DELETE', `/people/${id}`)).json().code).toBe('person.last-admin');
    expect(await roleOf(token)).toBe('admin');
  });

  it('never acts above the person: a role that was lowered holds from the next request on, and back', async () => {
    const ann = await comeIn('ann');
    const { id, token } = await makeIn(ann.cookie);
    const operators = await makeIn(ann.cookie, { role: 'operator' });
    const change = async (role: Role) => admin('PUT', `/people/${ann.id}/role`, { role });
    await change('viewer');
    expect([await roleOf(token), await roleOf(operators.token)]).toEqual(['viewer', 'viewer']);
    expect((await withToken(token, 'POST', '/tokens', { name: 'x', role: 'viewer' })).statusCode).toBe(403);
    expect((await withToken(token, 'POST', '/claim-tokens', {})).statusCode).toBe(403);
    const listed = (await admin('GET', '/tokens')).json().items;
    expect(listed.find((item: { id: string }) => item.id === id)).toMatchObject({
      role: 'admin',
      effectiveRole: 'viewer',
      owner: { id: ann.id, name: 'ann' },
    });
    await change('admin');
    expect([await roleOf(token), await roleOf(operators.token)]).toEqual(['admin', 'operator']);
  });

  it('is shown to its owner, whatever the role, and to admins; others do not see it', async () => {
    const [ann, bob] = [await comeIn('ann'), await comeIn('bob')];
    const [hers, his] = [await makeIn(ann.cookie), await makeIn(bob.cookie)];
    await admin('PUT', `/people/${ann.id}/role`, { role: 'viewer' });
    expect([await idsIn(ann.cookie), await idsIn(bob.cookie)]).toEqual([[hers.id], [his.id]]);
    expect((await inSession(ann.cookie, 'GET', '/tokens')).statusCode).toBe(403);
    const all = (await inSession(bob.cookie, 'GET', '/tokens')).json().items;
    expect(all.map((item: { id: string }) => item.id)).toEqual(expect.arrayContaining([hers.id, his.id]));
    expect((await t.app.inject({ url: '/api/v1/me/tokens', headers: t.as('admin') })).json().items).toEqual(
      [],
    );
  });

  it('is deleted by its owner in a session, and by no other person and no other token', async () => {
    const [ann, bob] = [await comeIn('ann', 'admin'), await comeIn('bob', 'viewer')];
    const { id, token } = await makeIn(ann.cookie);
    const other = await makeIn(ann.cookie, { role: 'viewer' });
    expect((await inSession(bob.cookie, 'DELETE', `/me/tokens/${id}`)).statusCode).toBe(404);
    expect((await withToken(other.token, 'DELETE', `/me/tokens/${id}`)).statusCode).toBe(403);
    expect(await roleOf(token)).toBe('admin');
    await admin('PUT', `/people/${ann.id}/role`, { role: 'viewer' });
    expect((await inSession(ann.cookie, 'DELETE', `/me/tokens/${id}`)).statusCode).toBe(204);
    expect((await withToken(token, 'GET', '/me')).statusCode).toBe(401);
    expect((await inSession(ann.cookie, 'DELETE', `/me/tokens/${id}`)).statusCode).toBe(404);
    const [event] = await t.database.db.execute(
      sql`select actor, before ->> 'owner' as owner from audit_events where subject = ${id} and action = 'token.deleted'`,
    );
    expect(event).toEqual({ actor: 'user:ann', owner: ann.id });
  });
});

describe('the last admin', () => {
  it('can neither be removed nor made less', async () => {
    const [only] = await people();
    const gone = await admin('DELETE', `/people/${only?.id}`);
    const less = await admin('PUT', `/people/${only?.id}/role`, { role: 'viewer' });
    expect([gone.json().code, less.json().code]).toEqual(['person.last-admin', 'person.last-admin']);
    expect(await people()).toEqual([only]);
  });

  it('remains when two admins remove each other at the same moment', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = await invite(`ann-${round}`, 'admin');
      const [other] = (await people()).filter((person) => person.id !== id && person.role === 'admin');
      await Promise.all([admin('DELETE', `/people/${id}`), admin('DELETE', `/people/${other?.id}`)]);
      expect((await people()).filter(({ role }) => role === 'admin')).toHaveLength(1);
    }
  });
});

describe('a session', () => {
  it('is listed with where it was begun, and can be ended by an admin', async () => {
    const { id, url } = await invite('ann', 'viewer');
    const cookie = await follow(url, { 'user-agent': 'Browser/1', 'x-wafer-address': '192.0.2.66' });
    const [session] = (await sessions()).filter(({ person }) => person === id);
    expect(session).toMatchObject({ name: 'ann', source: '127.0.0.1', userAgent: 'Browser/1' });
    expect((await admin('DELETE', `/people/sessions/${session?.id}`)).statusCode).toBe(204);
    expect((await me(cookie)).code).toBe('auth.required');
    expect((await admin('DELETE', `/people/sessions/${session?.id}`)).json().code).toBe('request.not-found');
  });

  it('is never one that the visitor brought (session fixation)', async () => {
    const planted = await follow((await invite('mallory', 'viewer')).url);
    const own = await follow((await invite('ann', 'admin')).url, { cookie: planted ?? '' });
    expect(own).not.toBe(planted);
    expect((await me(planted)).name).toBe('mallory');
    expect((await me(own)).name).toBe('ann');
    const made = 'wafer.session_token=known-to-the-attacker';
    const fresh = await follow((await invite('bob', 'admin')).url, { cookie: made });
    expect(fresh).not.toContain('known-to-the-attacker');
    expect((await me(made)).code).toBe('auth.required');
  });
});
