/** The dashboard behind a proxy that ends TLS: cookies, origins, addresses, and who may say where somebody is. */
import { CreatedSignInLink, InvitedPerson } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { afterEach, describe, expect, it } from 'vitest';
import { outwardFetch } from '../../src/http/outward.ts';
import { openSso } from '../../src/identity/index.ts';
import { testApp, type TestApp } from '../harness-app.ts';
import { testClock } from '../harness.ts';
import { startProvider } from '../oidc-provider.ts';

const PUBLIC = 'https://fleet.example.org';
const PROXY = '127.0.0.1';
const OWN_PAGE = { origin: PUBLIC, 'sec-fetch-site': 'same-origin' };

let t: TestApp;
afterEach(() => t.close());

type Options = NonNullable<Parameters<typeof testApp>[1]>;
const open = async (publicUrl: string | null = PUBLIC, more: Options = {}): Promise<void> => {
  const config = publicUrl === null ? {} : { publicUrl, trustedProxies: [PROXY] };
  t = await testApp([], { ...more, config });
};

async function follow(url: string, headers: Record<string, string> = {}, remoteAddress = PROXY) {
  const { pathname, search } = new URL(url);
  return t.app.inject({ url: pathname + search, headers, remoteAddress });
}

const setCookies = (answer: { headers: Record<string, unknown> }): string[] =>
  [answer.headers['set-cookie'] as string | string[] | undefined].flat().filter((c) => c !== undefined);

/** The cookie of a session of the local admin, as the browser sends it back. */
async function signIn(headers: Record<string, string> = {}, remoteAddress = PROXY): Promise<string> {
  const answer = await follow(
    `${PUBLIC}/sign-in?token=${await t.people.createLink()}`,
    headers,
    remoteAddress,
  );
  return setCookies(answer)[0]?.split(';')[0] ?? '';
}

const me = async (cookie: string) => (await t.app.inject({ url: '/api/v1/me', headers: { cookie } })).json();

const change = async (cookie: string, headers: Record<string, string>): Promise<number> =>
  (
    await t.app.inject({
      method: 'POST',
      url: '/api/v1/claim-tokens',
      headers: { cookie, ...headers },
      payload: {},
    })
  ).statusCode;

/** Where audit and the list of sessions say that the last sign-in came from. */
async function sourceOfSignIn(): Promise<unknown> {
  const [row] = await t.database.db.execute<{ audited: string; session: string }>(sql`
    select (select source from audit_events where action = 'person.signed-in' order by id desc limit 1) as audited,
      (select ip_address from sessions order by created_at desc limit 1) as session`);
  expect(row?.session).toBe(row?.audited);
  return row?.audited;
}

describe('with a public address', () => {
  it('a session’s cookie goes over TLS only, to this host only', async () => {
    await open();
    const [cookie] = setCookies(await follow(`${PUBLIC}/sign-in?token=${await t.people.createLink()}`));
    expect(cookie).toMatch(
      /^__Host-wafer\.session_token=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    const session = cookie?.split(';')[0] ?? '';
    expect(await me(session)).toEqual({ name: 'admin', role: 'admin', via: 'session' });
    const out = await t.app.inject({
      method: 'DELETE',
      url: '/api/v1/session',
      headers: { cookie: session, ...OWN_PAGE },
    });
    expect(setCookies(out)[0]).toMatch(/^__Host-wafer\.session_token=;.*Max-Age=0.*; Secure/);
    expect((await me(session)).code).toBe('auth.required');
  });

  it('sign-in links and invitations lead there', async () => {
    await open();
    const ask = async (url: string, payload?: object) =>
      (
        await t.app.inject({
          method: 'POST',
          url: `/api/v1${url}`,
          headers: t.as('admin'),
          ...(payload && { payload }),
        })
      ).json();
    const link = CreatedSignInLink.parse(await ask('/sign-in-links'));
    const ann = { name: 'ann', email: 'ann@example.org', role: 'viewer' };
    const invited = InvitedPerson.parse(await ask('/people', ann));
    for (const { url } of [link, invited]) expect(url.startsWith(`${PUBLIC}/sign-in?token=`)).toBe(true);
  });

  it('single sign-on comes back there, with what the browser carries locked to this host', async () => {
    const provider = await startProvider({ id: 'wafer', secret: 'hush' });
    try {
      const config = { issuer: provider.issuer, clientId: 'wafer', clientSecret: 'hush', name: 'Example' };
      const sso = openSso({
        config,
        outward: outwardFetch([provider.host]),
        clock: testClock(),
        secret: 'a secret for tests, 32 octets long',
        onFailure: () => undefined,
      });
      await open(PUBLIC, { sso });
      const payload = { name: 'ann', email: 'ann@example.org', role: 'viewer' };
      await t.app.inject({ method: 'POST', url: '/api/v1/people', headers: t.as('admin'), payload });
      const away = await t.app.inject({ url: '/sign-in/sso' });
      const redirect = new URL(`${away.headers.location}`).searchParams.get('redirect_uri');
      expect(redirect).toBe(`${PUBLIC}/sign-in/sso/callback`);
      const [carried = ''] = setCookies(away);
      expect(carried).toMatch(/^__Host-wafer\.sso=[\w-]+; Path=\/; .*HttpOnly; SameSite=Lax; Secure$/);
      const answer = provider.approve(`${away.headers.location}`, {
        sub: 'ann',
        email: 'ann@example.org',
        email_verified: true,
      });
      const value = carried.split(';')[0]?.replace('__Host-', '') ?? '';
      const planted = await follow(answer, { cookie: value });
      expect(planted.headers.location).toBe('/signed-out?reason=auth.sso-refused');
      const back = await follow(answer, { cookie: `__Host-${value}` });
      expect(back.headers.location).toBe('/');
    } finally {
      await provider.close();
    }
  });

  it('browsers are told to come over TLS from then on', async () => {
    await open();
    for (const url of ['/healthz', '/api/v1/me', '/sign-in?token=x', '/nothing'])
      expect((await t.app.inject({ url })).headers['strict-transport-security']).toBe('max-age=31536000');
  });

  it('the API’s description names the cookie as it is called', async () => {
    await open();
    const { components } = (await t.app.inject({ url: '/api/v1/openapi.json' })).json();
    expect(components.securitySchemes.session.name).toBe('__Host-wafer.session_token');
  });
});

describe('a session is not made of', () => {
  it('a cookie that a page on plain HTTP, or a neighbour below the domain, planted', async () => {
    await open();
    const cookie = await signIn();
    const value = cookie.replace('__Host-', '');
    for (const planted of [value, `__Secure-${value}`, `x__Host-${value}`])
      expect((await me(planted)).code).toBe('auth.required');
    // Nor does one beside the right cookie take its place.
    expect((await me(`wafer.session_token=planted; ${cookie}`)).name).toBe('admin');
  });
});

describe('cross-site request forgery with a public address', () => {
  it.each([
    ['the same page over plain HTTP', { origin: 'http://fleet.example.org', 'sec-fetch-site': 'same-site' }],
    [
      'plain HTTP, calling itself same-origin',
      { origin: 'http://fleet.example.org', 'sec-fetch-site': 'same-origin' },
    ],
    ['the server’s own loopback', { origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' }],
    ['another port of the host', { origin: `${PUBLIC}:8443`, 'sec-fetch-site': 'same-site' }],
    ['a neighbour below the domain', { origin: 'https://evil.example.org', 'sec-fetch-site': 'same-site' }],
    ['a longer name', { origin: `${PUBLIC}.evil.example` }],
    ['a sandboxed frame', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['another site that forges nothing but Origin', { origin: PUBLIC, 'sec-fetch-site': 'cross-site' }],
    ['nowhere that it names', { 'sec-fetch-site': 'same-origin' }],
    [
      'a page that has a proxy pass on another host',
      { origin: 'https://evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
    ],
  ])('from %s changes nothing', async (_who, headers) => {
    await open();
    expect(await change(await signIn(), headers)).toBe(403);
  });

  it('is none from our own page, in browsers with Fetch Metadata and without', async () => {
    await open();
    const cookie = await signIn();
    expect(await change(cookie, OWN_PAGE)).toBe(201);
    expect(await change(cookie, { origin: PUBLIC })).toBe(201);
  });
});

describe('where somebody is', () => {
  it('is what the proxy says, in the audit and in the list of sessions', async () => {
    await open();
    await signIn({ 'x-forwarded-for': '192.0.2.7' });
    expect(await sourceOfSignIn()).toBe('192.0.2.7');
  });

  it('is the last address that no trusted proxy has, whatever the visitor put before it', async () => {
    await open();
    await signIn({ 'x-forwarded-for': '203.0.113.1, 127.0.0.1, 192.0.2.7' });
    expect(await sourceOfSignIn()).toBe('192.0.2.7');
  });

  it('is not believed of whoever is no trusted proxy (a forged X-Forwarded-For)', async () => {
    await open();
    await signIn({ 'x-forwarded-for': '192.0.2.7' }, '198.51.100.9');
    expect(await sourceOfSignIn()).toBe('198.51.100.9');
  });

  it('is not believed of anybody without a public address', async () => {
    await open(null);
    await signIn({ 'x-forwarded-for': '192.0.2.7' });
    expect(await sourceOfSignIn()).toBe('127.0.0.1');
  });

  it('counts for brute force: who guesses behind the proxy is stopped, and others behind it are not', async () => {
    await open();
    const guess = async (n: number, from: string) =>
      (
        await t.app.inject({
          method: 'POST',
          url: '/sign-in',
          headers: { ...OWN_PAGE, 'x-forwarded-for': from },
          payload: { email: `p${n}@example.org`, password: 'Password123!' },
        })
      ).statusCode;
    await guess(0, '192.0.2.7');
    await t.database.db.execute(sql`update sign_in_attempts set count = 100 where key like 'address:%'`);
    expect([await guess(1, '192.0.2.7'), await guess(2, '192.0.2.8')]).toEqual([429, 401]);
  });
});

describe('a public address on loopback over plain HTTP', () => {
  it('has cookies that browsers take there, no HSTS, and exactly its own origin', async () => {
    const local = 'http://localhost:8080';
    await open(local);
    const cookie = await signIn();
    expect(cookie).toMatch(/^wafer\.session_token=/);
    expect((await t.app.inject({ url: '/healthz' })).headers['strict-transport-security']).toBeUndefined();
    expect(await change(cookie, { origin: local, 'sec-fetch-site': 'same-origin' })).toBe(201);
    const other = { origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' };
    expect(await change(cookie, other)).toBe(403);
  });
});
