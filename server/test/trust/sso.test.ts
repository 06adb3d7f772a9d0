/** Single sign-on against a real provider on loopback, and what must not get anybody in. */
import { InvitedPerson, type Role } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { outwardFetch } from '../../src/http/outward.ts';
import { openSso } from '../../src/identity/index.ts';
import { testApp, type TestApp } from '../harness-app.ts';
import { testClock, type TestClock } from '../harness.ts';
import { startProvider, strangersKey, type Claims, type Provider } from '../oidc-provider.ts';

const CLIENT = { id: 'wafer', secret: 'a secret of the client' };
const ANN: Claims = { sub: 'subject-of-ann', email: 'Ann@example.org', email_verified: true };

let provider: Provider;
let t: TestApp;
let clock: TestClock;
let failures: unknown[];
beforeEach(async () => {
  provider = await startProvider(CLIENT);
  clock = testClock();
  failures = [];
  t = await testApp([], { clock, sso: ssoWith([provider.host]) });
});
afterEach(async () => {
  await t.close();
  await provider.close();
});

function ssoWith(privateHosts: string[]) {
  return openSso({
    config: { issuer: provider.issuer, clientId: CLIENT.id, clientSecret: CLIENT.secret, name: 'Example' },
    outward: outwardFetch(privateHosts),
    clock,
    secret: 'a secret for tests, 32 octets long',
    onFailure: (error) => void failures.push(error),
  });
}

const invite = async (name: string, role: Role = 'viewer') => {
  const payload = { name, email: `${name}@example.org`, role };
  const answer = await t.app.inject({
    method: 'POST',
    url: '/api/v1/people',
    headers: t.as('admin'),
    payload,
  });
  return InvitedPerson.parse(answer.json());
};

const cookieNamed = (name: string, given: unknown): string | undefined =>
  [given as string | string[] | undefined]
    .flat()
    .find((cookie) => cookie?.startsWith(`${name}=`))
    ?.split(';')[0];

/** Where the browser is sent, and what it carries. */
async function begin(): Promise<{ authorization: string; carried: string }> {
  const answer = await t.app.inject({ url: '/sign-in/sso' });
  expect(answer.statusCode).toBe(302);
  const carried = cookieNamed('wafer.sso', answer.headers['set-cookie']) ?? '';
  return { authorization: `${answer.headers.location}`, carried };
}

async function comeBack(address: string, carried: string) {
  const { pathname, search } = new URL(address);
  const answer = await t.app.inject({ url: pathname + search, headers: { cookie: carried } });
  const session = cookieNamed('wafer.session_token', answer.headers['set-cookie']);
  return { place: answer.headers.location, session };
}

async function signIn(claims: Claims) {
  const { authorization, carried } = await begin();
  return comeBack(provider.approve(authorization, claims), carried);
}

const me = async (cookie = '') => (await t.app.inject({ url: '/api/v1/me', headers: { cookie } })).json();
const REFUSED = { place: '/signed-out?reason=auth.sso-refused', session: undefined };

describe('single sign-on', () => {
  it('lets in whom somebody invited, with the role that is kept here, and says so in the audit', async () => {
    await invite('ann', 'operator');
    const { place, session } = await signIn({ ...ANN, role: 'admin' });
    expect([place, await me(session)]).toEqual(['/', { name: 'ann', role: 'operator', via: 'session' }]);
    const rows = await t.database.db.execute(
      sql`select action, source from audit_events where action in ('person.sso-bound', 'person.signed-in') order by id`,
    );
    expect([...rows]).toEqual([
      { action: 'person.sso-bound', source: '127.0.0.1' },
      { action: 'person.signed-in', source: '127.0.0.1' },
    ]);
  });

  it('knows the person by the subject from then on, whatever address the provider says', async () => {
    await invite('ann');
    await invite('bob', 'admin');
    await signIn(ANN);
    const { session } = await signIn({ ...ANN, email: 'bob@example.org' });
    expect((await me(session)).name).toBe('ann');
  });

  it('is offered on the page of sign-in by its name', async () => {
    expect((await t.app.inject({ url: '/sign-in/ways' })).json()).toEqual({ sso: { name: 'Example' } });
  });

  it('asks for a code with PKCE, state and nonce, each new every time', async () => {
    const [one, two] = [await begin(), await begin()].map(({ authorization }) => new URL(authorization));
    for (const name of ['code_challenge', 'state', 'nonce']) {
      expect(one?.searchParams.get(name)).toMatch(/^[\w-]{43}$/);
      expect(one?.searchParams.get(name)).not.toBe(two?.searchParams.get(name));
    }
    expect(one?.searchParams.get('code_challenge_method')).toBe('S256');
  });

  it('is not to be had while the provider speaks for another, and is again once it speaks for itself', async () => {
    await invite('ann');
    provider.metadata = { issuer: 'https://evil.example' };
    const answer = await t.app.inject({ url: '/sign-in/sso' });
    expect(answer.headers.location).toBe('/signed-out?reason=auth.sso-unavailable');
    provider.metadata = {};
    expect((await signIn(ANN)).place).toBe('/');
  });
});

describe('nobody comes in', () => {
  it('who was not invited', async () => {
    expect(await signIn(ANN)).toEqual(REFUSED);
  });

  it('by an address that the provider did not verify', async () => {
    await invite('ann', 'admin');
    expect(await signIn({ ...ANN, email_verified: false })).toEqual(REFUSED);
    expect(await signIn({ sub: 'x', email: 'ann@example.org' })).toEqual(REFUSED);
  });

  it('as the local admin, whatever the provider says', async () => {
    expect(await signIn({ sub: 'x', email: 'admin@wafer.invalid', email_verified: true })).toEqual(REFUSED);
  });

  it('by an address that was given to somebody new', async () => {
    await invite('ann', 'admin');
    await signIn(ANN);
    expect(await signIn({ ...ANN, sub: 'the-next-ann' })).toEqual(REFUSED);
  });

  it('who was removed', async () => {
    const { id } = await invite('ann', 'admin');
    await signIn(ANN);
    await t.app.inject({ method: 'DELETE', url: `/api/v1/people/${id}`, headers: t.as('admin') });
    expect(await signIn(ANN)).toEqual(REFUSED);
  });

  it.each([
    ['issuer', { iss: 'https://evil.example' }],
    ['audience', { aud: 'another-client' }],
    ['nonce (a replayed token)', { nonce: 'of-another-sign-in' }],
    ['end (an old token)', { exp: 1000, iat: 900 }],
  ])('with a token of another %s', async (_what, spoilt) => {
    await invite('ann', 'admin');
    provider.spoilt = spoilt;
    expect(await signIn(ANN)).toEqual(REFUSED);
  });

  it('with a token that another key signed', async () => {
    await invite('ann', 'admin');
    provider.key = strangersKey();
    expect(await signIn(ANN)).toEqual(REFUSED);
  });

  it('by cross-site request forgery: with the answer of a sign-in that another browser began', async () => {
    await invite('ann', 'admin');
    const mallory = await begin();
    const answer = provider.approve(mallory.authorization, ANN);
    expect(await comeBack(answer, (await begin()).carried)).toEqual(REFUSED);
    expect(await comeBack(answer, '')).toEqual(REFUSED);
    expect(await comeBack(answer, `wafer.sso=${'A'.repeat(120)}`)).toEqual(REFUSED);
  });

  it('twice with one answer', async () => {
    await invite('ann', 'admin');
    const { authorization, carried } = await begin();
    const answer = provider.approve(authorization, ANN);
    expect((await comeBack(answer, carried)).place).toBe('/');
    expect(await comeBack(answer, carried)).toEqual(REFUSED);
  });

  it('ten minutes late', async () => {
    await invite('ann', 'admin');
    const { authorization, carried } = await begin();
    clock.advance(10 * 60_000);
    expect(await comeBack(provider.approve(authorization, ANN), carried)).toEqual(REFUSED);
  });
});

it('session fixation: the session of single sign-on is never one that the visitor brought', async () => {
  await invite('ann', 'admin');
  const { url } = await invite('mallory');
  const { pathname, search } = new URL(url);
  const planted = cookieNamed(
    'wafer.session_token',
    (await t.app.inject({ url: pathname + search })).headers['set-cookie'],
  );
  const { authorization, carried } = await begin();
  const { session } = await comeBack(provider.approve(authorization, ANN), `${planted}; ${carried}`);
  expect(session).not.toBe(planted);
  expect([(await me(planted)).name, (await me(session)).name]).toEqual(['mallory', 'ann']);
});

describe('server-side request forgery', () => {
  it('from an issuer inside the server’s own network is refused before anything is sent', async () => {
    await t.close();
    t = await testApp([], { clock, sso: ssoWith([]) });
    const answer = await t.app.inject({ url: '/sign-in/sso' });
    expect(answer.headers.location).toBe('/signed-out?reason=auth.sso-unavailable');
    expect(provider.asked).toEqual([]);
    expect(failures).toHaveLength(1);
  });

  it.each(['token_endpoint', 'jwks_uri'])(
    'from a provider whose %s leads into the server’s own network reaches nothing there',
    async (endpoint) => {
      const inside = await startProvider(CLIENT);
      try {
        await invite('ann', 'admin');
        provider.metadata = { [endpoint]: `${inside.issuer}/keys` };
        expect(await signIn(ANN)).toEqual(REFUSED);
        expect(inside.asked).toEqual([]);
      } finally {
        await inside.close();
      }
    },
  );
});
