import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Role } from '@wafer/protocol';
import { ERRORS, Problem, WaferError, type ErrorCode } from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { requireRole } from '../src/http/auth.ts';
import { temporaryFolder } from './harness.ts';
import { testApp, type TestApp } from './harness-app.ts';

/** Routes that fail in every way a route can. */
const failing: FastifyPluginAsyncZod = async (app) => {
  const onRequest = requireRole('viewer');
  app.get('/fail/:code', { onRequest, schema: { params: z.object({ code: z.string() }) } }, ({ params }) => {
    throw new WaferError(params.code as ErrorCode, `about ${params.code}`);
  });
  app.get('/bug', { onRequest }, () => {
    throw new TypeError('the secret inside');
  });
  app.get('/away', { onRequest }, () => {
    throw new Error('Failed query', {
      cause: Object.assign(new Error('gone'), { code: 'CONNECTION_CLOSED' }),
    });
  });
  app.get('/lie', { onRequest, schema: { response: { 200: z.object({ n: z.number() }) } } }, (async () => ({
    n: 'no number',
  })) as never);
};

let t: TestApp;
let pages: string;
beforeAll(async () => {
  pages = await temporaryFolder();
  await mkdir(join(pages, 'assets'));
  await writeFile(join(pages, 'index.html'), '<!doctype html><title>Wafer</title>');
  await writeFile(join(pages, 'assets', 'app-1a2b.js'), 'export {};');
  t = await testApp([failing], { dashboardFolder: pages });
});
afterAll(async () => {
  await t.close();
  await rm(pages, { recursive: true });
});

const get = (url: string, headers: Record<string, string> = t.as('viewer')) => t.app.inject({ url, headers });

describe('errors', () => {
  it.each(Object.entries(ERRORS))(
    '%s is a problem of its own status and title',
    async (code, { status, title }) => {
      const answer = await get(`/api/v1/fail/${code}`);
      expect(answer.statusCode).toBe(status);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
      const detail = `about ${code}`;
      expect(Problem.parse(answer.json())).toEqual({
        type: `urn:wafer:error:${code}`,
        title,
        status,
        detail,
        code,
      });
    },
  );

  it('the table of codes is what scripts were promised', () => {
    const table = Object.fromEntries(Object.entries(ERRORS).map(([code, { status }]) => [code, status]));
    expect(table).toMatchObject({
      'request.malformed': 400,
      'request.invalid': 422,
      'request.too-large': 413,
      'request.precondition-failed': 412,
      'request.not-found': 404,
      'request.rate-limited': 429,
      'auth.required': 401,
      'auth.forbidden': 403,
      'auth.link-invalid': 401,
      'claim.unknown': 401,
      'claim.expired': 401,
      'claim.used-up': 401,
      'claim.wrong-server': 401,
      'enrolment.csr-invalid': 422,
      'device.not-found': 404,
      'component.not-wasm': 422,
      'component.unsupported': 422,
      'component.import-refused': 422,
      'component.too-large': 413,
      'component.digest-mismatch': 422,
      'component.missing': 409,
      'release.exists': 409,
      'release.not-found': 404,
      'release.metadata-invalid': 422,
      'channel.not-found': 404,
      'trust.not-initialised': 409,
      'trust.signature-invalid': 422,
      'trust.version-conflict': 409,
      'server.unavailable': 503,
      'server.internal': 500,
    });
  });

  it('a mistake of ours keeps its inside to itself and names the request', async () => {
    for (const url of ['/api/v1/bug', '/api/v1/lie']) {
      const answer = await get(url);
      expect(answer.json().code).toBe('server.internal');
      expect(answer.body).not.toMatch(/secret|stack|number/);
      expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('a database that is away is worth another try', async () => {
    const answer = await get('/api/v1/away');
    expect(answer.json().code).toBe('server.unavailable');
    expect(answer.headers['retry-after']).toBe('1');
  });

  it('what does not exist says so, in the API and outside it', async () => {
    for (const url of ['/api/v1/nothing', '/api/v1', '/nothing', '/api/v1/devices/%zz/revoke'])
      expect([400, 404]).toContain((await get(url)).json().status);
    expect((await get('/api/v1/nothing?token=secret')).body).not.toContain('secret');
  });
});

describe('a body', () => {
  const post = (payload: string, type = 'application/json') =>
    t.app.inject({
      method: 'POST',
      url: '/api/v1/tokens',
      headers: { ...t.as('admin'), 'content-type': type },
      payload,
    });

  it.each([
    ['cut short', '{"name":'],
    ['empty', ''],
    ['no JSON', 'name=x'],
    ['a way into the prototype of every object', '{"__proto__":{"role":"admin"},"name":"x","role":"viewer"}'],
    ['a way into the constructor', '{"constructor":{"prototype":{"a":1}},"name":"x","role":"viewer"}'],
  ])('that is %s is malformed', async (_what, payload) => {
    expect((await post(payload)).json()).toMatchObject({ code: 'request.malformed', status: 400 });
  });

  it('of a type that nobody reads is malformed', async () => {
    expect((await post('<name/>', 'application/xml')).json().code).toBe('request.malformed');
  });

  it('that does not fit names every place', async () => {
    const { code, errors } = (await post('{"name":"","role":"king","more":1}')).json<Problem>();
    expect(code).toBe('request.invalid');
    expect(errors?.map(({ path }) => path).toSorted()).toEqual(['body', 'body/name', 'body/role']);
  });

  it('that is too large is refused', async () => {
    const answer = await post(JSON.stringify({ name: 'x'.repeat(2 * 1024 * 1024), role: 'viewer' }));
    expect(answer.json().code).toBe('request.too-large');
  });

  it('with a character that Postgres cannot store is refused, and stores nothing', async () => {
    const answer = await post(JSON.stringify({ name: 'a\u0000b', role: 'viewer' }));
    expect(answer.json().code).toBe('request.invalid');
  });
});

describe('roles', () => {
  const ROUTES: [string, string, Role][] = [
    ['GET', '/api/v1/me', 'viewer'],
    ['DELETE', '/api/v1/session', 'viewer'],
    ['POST', '/api/v1/claim-tokens', 'operator'],
    ['POST', '/api/v1/devices/d-aaaaaaaaaaaaaaaa/revoke', 'admin'],
    ['POST', '/api/v1/sign-in-links', 'admin'],
    ['POST', '/api/v1/tokens', 'admin'],
    ['DELETE', '/api/v1/tokens/00000000-0000-4000-8000-000000000000', 'admin'],
    ['GET', '/api/v1/audit', 'admin'],
  ];
  const ask = async (method: string, url: string, headers: Record<string, string>) =>
    (await t.app.inject({ method: method as 'GET', url, headers })).statusCode;

  it.each(ROUTES)('%s %s is for %s and above', async (method, url, least) => {
    const [viewer, operator, admin] = [t.as('viewer'), t.as('operator'), t.as('admin')];
    expect(await ask(method, url, {})).toBe(401);
    expect(await ask(method, url, { authorization: 'Bearer wafer_wrong' })).toBe(401);
    const refused: object[] = { viewer: [], operator: [viewer], admin: [viewer, operator] }[least];
    for (const headers of [viewer, operator, admin]) {
      const status = await ask(method, url, headers);
      if (refused.includes(headers)) expect(status).toBe(403);
      else expect([401, 403]).not.toContain(status);
    }
  });

  it('a route that names no role stops the server from starting', async () => {
    const open: FastifyPluginAsyncZod = async (app) => void app.get('/open', async () => 'hello');
    await expect(testApp([open])).rejects.toThrow('GET /api/v1/open names no role');
  });
});

describe('the dashboard', () => {
  const page = { accept: 'text/html' };

  it('answers every address of a page with the page', async () => {
    for (const url of ['/', '/devices/d-aaaaaaaaaaaaaaaa', '/signed-out?reason=auth.link-invalid']) {
      const answer = await get(url, page);
      expect(answer.statusCode).toBe(200);
      expect(answer.body).toContain('<title>Wafer</title>');
      expect(answer.headers['cache-control']).toBe('no-cache');
    }
    expect((await get('/api/v1/nothing', page)).json().code).toBe('request.not-found');
    expect((await get('/assets/gone.js', { accept: '*/*' })).statusCode).toBe(404);
  });

  it('keeps what has a hash in its name for a year', async () => {
    const { headers } = await get('/assets/app-1a2b.js');
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
  });

  it('runs scripts of its own origin only, and nobody may frame it', async () => {
    const { headers } = await get('/', page);
    expect(headers['content-security-policy']).toBe(
      "default-src 'self';style-src 'self' 'unsafe-inline';img-src 'self' data:;font-src 'self' data:;" +
        "object-src 'none';base-uri 'none';form-action 'self';frame-ancestors 'none'",
    );
    expect(headers['strict-transport-security']).toBeUndefined();
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('does not serve what lies beside it (path traversal)', async () => {
    for (const url of [
      '/../package.json',
      '/..%2fpackage.json',
      '/assets/..%2f..%2fpackage.json',
      '/%2e%2e/x',
    ])
      expect((await get(url, {})).statusCode).toBeGreaterThanOrEqual(400);
  });

  it('that was not built says how to build it', async () => {
    const bare = await testApp([], { dashboardFolder: join(pages, 'absent') });
    expect((await bare.app.inject({ url: '/' })).body).toContain('npm run build -w dashboard');
    await bare.close();
  });
});

it('OpenAPI 3.1 describes each route with its role and the shape of errors', async () => {
  const api = (await get('/api/v1/openapi.json', {})).json();
  expect(api.openapi).toBe('3.1.0');
  const route = api.paths['/api/v1/claim-tokens'].post;
  expect(route.description).toBe('Needs the role operator.');
  expect(route.requestBody.content['application/json'].schema.properties.uses.maximum).toBe(10_000);
  expect(route.responses.default.content['application/problem+json'].schema.required).toContain('code');
  expect(api.paths['/api/v1/enrolments'].post.security).toEqual([]);
});

it('healthz is good while Postgres answers, and a problem when it does not', async () => {
  expect((await get('/healthz', {})).json()).toEqual({ status: 'ok' });
  const lonely = await testApp();
  await lonely.database.close();
  expect((await lonely.app.inject({ url: '/healthz' })).json().code).toBe('server.unavailable');
  await lonely.close();
});
