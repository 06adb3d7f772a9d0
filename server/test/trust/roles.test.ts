/**
 * A role reaching what it should not: every route of the whole server × everyone who may ask, over the
 * listener that faces the network. The matrix is generated from the routes, so a new one is in it
 * without anybody's doing; one without a rule does not start, and one that lets strangers in, or lets
 * viewers change something, must be named here.
 */
import { WaferError } from '@wafer/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Rule } from '../../src/http/auth.ts';
import { testApp } from '../harness-app.ts';
import { wholeApp, type WholeApp } from '../harness-whole.ts';

/** What strangers may ask. */
const PUBLIC = [
  'GET /api/v1/openapi.json',
  'HEAD /api/v1/openapi.json',
  'POST /api/v1/enrolments',
  'POST /api/v1/renewals',
];

/** What a viewer may change: its own session, tokens and password. */
const CHANGES_OF_VIEWERS = [
  'DELETE /api/v1/me/tokens/:id',
  'DELETE /api/v1/session',
  'PUT /api/v1/me/password',
];

/** What is no API: on loopback only, but for the last. */
const PAGES = [
  'GET /',
  'HEAD /',
  'GET /*',
  'HEAD /*',
  'GET /sign-in',
  'GET /sign-in/ways',
  'GET /sign-in/ways',
  'POST /sign-in',
  'GET /healthz',
  'HEAD /healthz',
];

const RANK = { viewer: 0, operator: 1, admin: 2 } as const;
type Who = 'nobody' | 'a wrong token' | keyof typeof RANK | 'a device certificate';
const WHO: readonly Who[] = [
  'nobody',
  'a wrong token',
  'viewer',
  'operator',
  'admin',
  'a device certificate',
];

let t: WholeApp;
let routes: { method: string; url: string; rule: Rule }[];
beforeAll(async () => {
  t = await wholeApp();
  routes = [...t.app.rules].map(([route, rule]) => {
    const [method = '', url = ''] = route.split(' ');
    return { method, url, rule };
  });
});
afterAll(() => t.close());

const names = (list: readonly { method: string; url: string }[]) =>
  list.map(({ method, url }) => `${method} ${url}`).toSorted();

/** Anything that fits: whether it is found or is valid is another question than who asks. */
const pathOf = (url: string): string =>
  url
    .replace(
      ':id',
      t.device.id.replace(/.$/, (end) => (end === 'a' ? 'b' : 'a')),
    )
    .replace(/:\w+/g, 'x');

/** The status that `who` must get; undefined for any but 401 and 403. */
function refusalOf(rule: Rule, who: Who): number | undefined {
  if (rule === 'public') return undefined;
  if (rule === 'page') return 404;
  if (who === 'nobody' || who === 'a wrong token' || who === 'a device certificate') return 401;
  return RANK[who] >= RANK[rule] ? undefined : 403;
}

function credentialsOf(who: Who) {
  switch (who) {
    case 'nobody':
      return {};
    case 'a wrong token':
      return { token: `wafer_${'A'.repeat(43)}` };
    case 'a device certificate':
      return { key: t.device.key, cert: t.device.cert };
    case 'viewer':
    case 'operator':
    case 'admin':
      return { token: t.tokens[who] };
  }
}

describe('every route', () => {
  it('is there, and many are', () => {
    expect(routes.filter(({ rule }) => rule !== 'page').length).toBeGreaterThan(40);
  });

  it.each(WHO)('of the API answers %s as its rule says', async (who) => {
    const wrong: string[] = [];
    for (const { method, url, rule } of routes.filter((route) => route.rule !== 'page')) {
      const status = await t.ask(method, pathOf(url), credentialsOf(who));
      const expected = refusalOf(rule, who);
      const fits = expected === undefined ? status !== 401 && status !== 403 : status === expected;
      if (!fits || status >= 500) wrong.push(`${method} ${url} (${rule}): ${status}`);
    }
    expect(wrong).toEqual([]);
  });

  it('that strangers may ask is named here', () => {
    expect(names(routes.filter(({ rule }) => rule === 'public'))).toEqual(PUBLIC.toSorted());
  });

  it('that changes something needs an operator, or is named here', () => {
    const changes = routes.filter(
      ({ method, rule }) => !['GET', 'HEAD', 'OPTIONS'].includes(method) && rule === 'viewer',
    );
    expect(names(changes)).toEqual(CHANGES_OF_VIEWERS);
  });

  it('about people, tokens, trust or the audit that an operator may use is a reading one', () => {
    const open = routes.filter(
      ({ method, url, rule }) =>
        /^\/api\/v1\/(people|tokens|trust|audit|sign-in-links)/.test(url) &&
        rule !== 'admin' &&
        method !== 'HEAD',
    );
    expect(names(open).filter((route) => !route.startsWith('GET /api/v1/trust'))).toEqual([]);
  });

  it('outside the API is named here, and is not offered to the network', async () => {
    const pages = routes.filter(({ rule }) => rule === 'page');
    expect(names(pages).filter((name) => !PAGES.includes(name))).toEqual([]);
    for (const { method, url } of pages) {
      const status = await t.ask(method, url, {});
      expect([url, status]).toEqual([url, url === '/healthz' ? 200 : 404]);
    }
  });
});

it('a route without a rule keeps the server from starting', async () => {
  await expect(
    testApp([
      async (app) => {
        app.get('/new', async () => {
          throw new WaferError('server.internal', 'not reached');
        });
      },
    ]),
  ).rejects.toThrow('GET /api/v1/new names no role');
});
