import { InvitedPerson, type Role } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testApp, type TestApp } from '../harness-app.ts';

let t: TestApp;
beforeEach(async () => void (t = await testApp()));
afterEach(() => t.close());

const OWN_PAGE = { 'sec-fetch-site': 'same-origin' };
const GOOD = 'correct horse battery';
const MINUTE = 60_000;

const cookieOf = (answer: { headers: Record<string, unknown> }): string | undefined =>
  [answer.headers['set-cookie'] as string[] | string | undefined].flat()[0]?.split(';')[0];

/** The session of somebody who was invited and followed the link. */
async function comeIn(name: string, role: Role = 'viewer'): Promise<string> {
  const payload = { name, email: `${name}@example.org`, role };
  const invited = await t.app.inject({
    method: 'POST',
    url: '/api/v1/people',
    headers: t.as('admin'),
    payload,
  });
  const { pathname, search } = new URL(InvitedPerson.parse(invited.json()).url);
  return cookieOf(await t.app.inject({ url: pathname + search })) ?? '';
}

const signIn = (
  email: string,
  password: string,
  headers: Record<string, string> = OWN_PAGE,
  from = '127.0.0.1',
) =>
  t.app.inject({
    method: 'POST',
    url: '/sign-in',
    headers,
    payload: { email, password },
    remoteAddress: from,
  });

const setPassword = (cookie: string, payload: object, headers: Record<string, string> = OWN_PAGE) =>
  t.app.inject({ method: 'PUT', url: '/api/v1/me/password', headers: { cookie, ...headers }, payload });

const me = async (cookie = '') => (await t.app.inject({ url: '/api/v1/me', headers: { cookie } })).json();

const audited = async (action: string) => {
  const rows = await t.database.db.execute(
    sql`select actor, subject, source, after from audit_events where action = ${action} order by id`,
  );
  return [...rows];
};

describe('a password', () => {
  it('lets its person in from then on, whatever the case of the address, with the person’s role', async () => {
    expect((await setPassword(await comeIn('ann', 'operator'), { password: GOOD })).statusCode).toBe(204);
    const answer = await signIn('Ann@Example.org', GOOD);
    expect(answer.statusCode).toBe(204);
    expect([answer.headers['set-cookie']].flat()[0]).toMatch(
      /^wafer\.session_token=.*; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    expect(await me(cookieOf(answer))).toEqual({ name: 'ann', role: 'operator', via: 'session' });
    expect(await audited('person.password-set')).toMatchObject([{ actor: 'user:ann', source: '127.0.0.1' }]);
  });

  it('is kept as an scrypt hash with a salt, and stands nowhere else', async () => {
    await setPassword(await comeIn('ann'), { password: GOOD });
    await setPassword(await comeIn('bob'), { password: GOOD });
    const rows = await t.database.db.execute<{ password: string }>(sql`select password from accounts`);
    const hashes = [...rows].map(({ password }) => password);
    for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{32}:[0-9a-f]{128}$/);
    expect(new Set(hashes).size).toBe(2);
    const [all] = await t.database.db.execute<{ text: string }>(
      sql`select (select json_agg(a)::text from audit_events a) || (select json_agg(r)::text from answered_requests r)
            as text`,
    );
    expect(`${all?.text}`).not.toContain(GOOD);
  });

  it('of eleven characters is too short, and one of 129 too long', async () => {
    const cookie = await comeIn('ann');
    for (const password of ['x'.repeat(11), 'x'.repeat(129)])
      expect((await setPassword(cookie, { password })).json().code).toBe('request.invalid');
  });

  it('that is set anew ends every other session of the person, and the old one is worth nothing', async () => {
    const first = await comeIn('ann');
    await setPassword(first, { password: GOOD });
    const second = cookieOf(await signIn('ann@example.org', GOOD)) ?? '';
    expect((await setPassword(second, { current: GOOD, password: `${GOOD} staple` })).statusCode).toBe(204);
    expect((await me(first)).code).toBe('auth.required');
    expect((await me(second)).name).toBe('ann');
    expect((await signIn('ann@example.org', GOOD)).statusCode).toBe(401);
    expect(await audited('person.password-changed')).toMatchObject([{ after: { sessionsEnded: 1 } }]);
  });

  it('is not set anew by who found a session open, without the old one', async () => {
    const cookie = await comeIn('ann');
    await setPassword(cookie, { password: GOOD });
    t.clock.advance(16 * MINUTE);
    expect((await setPassword(cookie, { password: 'a password of mine' })).json().code).toBe(
      'auth.password-wrong',
    );
    const wrong = { current: 'a wrong guess', password: 'a password of mine' };
    expect((await setPassword(cookie, wrong)).json().code).toBe('auth.password-wrong');
    expect((await signIn('ann@example.org', GOOD)).statusCode).toBe(204);
  });

  it('is no business of an API token', async () => {
    const answer = await t.app.inject({
      method: 'PUT',
      url: '/api/v1/me/password',
      headers: t.as('admin'),
      payload: { password: GOOD },
    });
    expect(answer.json().code).toBe('auth.forbidden');
  });
});

describe('brute force', () => {
  it('is told nothing about who exists', async () => {
    await setPassword(await comeIn('ann'), { password: GOOD });
    await comeIn('bob'); // without a password
    const answers = await Promise.all(
      ['ann', 'bob', 'nobody'].map((name) => signIn(`${name}@example.org`, 'a wrong guess')),
    );
    const bodies = answers.map((answer) => answer.json());
    expect(bodies[0].code).toBe('auth.password-wrong');
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
  });

  it('gets five guesses, also when it makes them all at once, and then the right one is refused too', async () => {
    await setPassword(await comeIn('ann'), { password: GOOD });
    const guesses = Array.from({ length: 12 }, (_, n) => signIn('ann@example.org', `guess number ${n}`));
    const codes = (await Promise.all(guesses)).map((answer) => answer.json().code);
    expect(codes.filter((code) => code === 'auth.password-wrong')).toHaveLength(5);
    expect(codes.filter((code) => code === 'auth.locked-out')).toHaveLength(7);
    const locked = await signIn('ann@example.org', GOOD, OWN_PAGE, '192.0.2.7');
    expect([locked.statusCode, locked.json().code]).toEqual([429, 'auth.locked-out']);
    expect(await audited('person.locked-out')).toHaveLength(1);
  });

  it('opens again after a quarter of an hour, and not later for what was tried meanwhile', async () => {
    await setPassword(await comeIn('ann'), { password: GOOD });
    for (let n = 0; n < 6; n += 1) await signIn('ann@example.org', 'a wrong guess');
    t.clock.advance(14 * MINUTE);
    expect((await signIn('ann@example.org', GOOD)).statusCode).toBe(429);
    t.clock.advance(2 * MINUTE);
    expect((await signIn('ann@example.org', GOOD)).statusCode).toBe(204);
  });

  it('locks nobody out of a sign-in link', async () => {
    const cookie = await comeIn('ann');
    for (let n = 0; n < 6; n += 1) await signIn('ann@example.org', 'a wrong guess');
    const link = new URL(`http://x/sign-in?token=${await t.people.inviteLink('ann@example.org')}`);
    expect((await t.app.inject({ url: link.pathname + link.search })).headers.location).toBe('/');
    expect((await me(cookie)).name).toBe('ann');
  });

  it('that tries one password on many people is stopped by its address, and others are not', async () => {
    await setPassword(await comeIn('ann'), { password: GOOD });
    await t.database.db.execute(sql`delete from sign_in_attempts`);
    const spray = async (n: number) =>
      (await signIn(`p${n}@example.org`, 'Password123!', OWN_PAGE, '192.0.2.9')).statusCode;
    expect(await spray(0)).toBe(401);
    await t.database.db.execute(sql`update sign_in_attempts set count = 99 where key like 'address:%'`);
    expect([await spray(1), await spray(2)]).toEqual([401, 429]);
    expect((await signIn('ann@example.org', GOOD)).statusCode).toBe(204);
  });

  it('does not find the old password in an open session either', async () => {
    const cookie = await comeIn('ann');
    await setPassword(cookie, { password: GOOD });
    const codes: string[] = [];
    for (let n = 0; n < 6; n += 1)
      codes.push((await setPassword(cookie, { current: `guess number ${n}`, password: GOOD })).json().code);
    expect(codes).toEqual([...Array.from({ length: 5 }, () => 'auth.password-wrong'), 'auth.locked-out']);
  });

  it('leaves no trace of what was typed, and none at all after a while', async () => {
    for (const name of ['ann', 'bob']) await signIn(`${name}@example.org`, 'a wrong guess');
    const keys = async () => [...(await t.database.db.execute(sql`select key from sign_in_attempts`))];
    expect(JSON.stringify(await keys())).not.toContain('ann');
    expect(await keys()).toHaveLength(3);
    t.clock.advance(16 * MINUTE);
    await signIn('eve@example.org', 'a wrong guess');
    expect(await keys()).toHaveLength(2);
  });
});

describe('cross-site request forgery', () => {
  it.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a neighbour on the same host', { 'sec-fetch-site': 'same-site' }],
    ['another origin, in an old browser', { origin: 'http://evil.example' }],
    ['a sandboxed frame', { origin: 'null' }],
    ['nowhere that it names', {}],
  ])('from %s neither signs a visitor in nor sets a password', async (_who, headers) => {
    const cookie = await comeIn('mallory');
    await setPassword(cookie, { password: GOOD });
    const forced = await signIn('mallory@example.org', GOOD, headers);
    expect([forced.json().code, forced.headers['set-cookie']]).toEqual(['auth.forbidden', undefined]);
    const set = await setPassword(cookie, { password: 'another password' }, headers);
    expect(set.json().code).toBe('auth.forbidden');
  });

  it('by a form, which needs no leave to cross sites, is not even read', async () => {
    const answer = await t.app.inject({
      method: 'POST',
      url: '/sign-in',
      headers: { ...OWN_PAGE, 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'email=ann%40example.org&password=x',
    });
    expect(answer.statusCode).toBeGreaterThanOrEqual(400);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });
});

it('session fixation: the session of a password is never one that the visitor brought', async () => {
  await setPassword(await comeIn('ann'), { password: GOOD });
  const planted = await comeIn('mallory');
  const own = cookieOf(await signIn('ann@example.org', GOOD, { ...OWN_PAGE, cookie: planted }));
  expect(own).not.toBe(planted);
  expect([(await me(planted)).name, (await me(own)).name]).toEqual(['mallory', 'ann']);
});
