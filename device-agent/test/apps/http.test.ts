/** Guests and the network: real components, real isolates, real sockets on loopback, a resolver of our own. */
import { readFileSync } from 'node:fs';
import { createServer as createTcp, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AppName, type Grants, type HttpGrant, type Limits } from '@wafer/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Authority } from '../link/authority.ts';
import { Board, faultOf, TALK } from './harness.ts';
import { Origin } from './origin.ts';

const fetcher = readFileSync(join(import.meta.dirname, '../fixtures/fetcher.wasm'));
const NETWORK = new URL('../fixtures/network.ts', import.meta.url);

const NAMES: Record<string, string[][]> = {
  localhost: [['127.0.0.1']],
  'api.test': [['127.0.0.1']],
  'other.test': [['127.0.0.1']],
  'cloud.test': [['169.254.169.254']],
  'mixed.test': [['127.0.0.1', '10.0.0.7']],
  'empty.test': [[]],
  'six.test': [['::1']],
  'inner.elsewhere.test': [['127.0.0.1']],
  'very.deep.test': [['127.0.0.1']],
  // What it leads to changes from one look-up to the next.
  'rebinding.test': [['127.0.0.2'], ['127.0.0.1']],
};

let board: Board;
let origin: Origin;
let secure: Origin;
/** On 127.0.0.2, with the port of `origin`. */
let second: Origin;
let roots: Authority;

const chunks = (count: number, bytes: number) =>
  Array.from({ length: count }, () => Buffer.alloc(bytes, 'x'));

/** Bytes that the origin could hand to its socket of the endless body. */
let poured = 0;

beforeAll(async () => {
  roots = await Authority.create('Test roots');
  origin = await Origin.listen((request, response) => {
    const url = new URL(request.url ?? '/', 'http://origin.test');
    switch (url.pathname) {
      case '/echo': {
        const parts: Buffer[] = [];
        request.on('data', (part: Buffer) => parts.push(part));
        request.on('end', () => {
          const body = Buffer.concat(parts).toString('latin1');
          const trailers = request.rawTrailers;
          response.end(JSON.stringify({ bytes: body.length, start: body.slice(0, 20), trailers }));
        });
        return;
      }
      case '/redirect':
        response.writeHead(302, { location: url.searchParams.get('to') ?? '' }).end();
        return;
      case '/large':
        for (const chunk of chunks(40, 50_000)) response.write(chunk);
        response.end();
        return;
      case '/endless': {
        const pour = (): void => {
          while (!response.destroyed) {
            const chunk = Buffer.alloc(64 * 1024, 'x');
            const flows = response.write(chunk, () => (poured += chunk.length));
            if (!flows) return void response.once('drain', pour);
          }
        };
        return pour();
      }
      case '/trailers':
        response.writeHead(200, { trailer: 'x-sum', 'x-kind': ['a', 'b'], 'set-cookie': 'id=1' });
        response.write('hello ');
        response.addTrailers({ 'x-sum': '42' });
        response.end('world');
        return;
      case '/headers':
        response.writeHead(200, { 'x-large': 'y'.repeat(20_000) }).end();
        return;
      case '/broken':
        response.writeHead(200, { 'content-length': 100 });
        response.write('only a part');
        setTimeout(() => response.destroy(), 20);
        return;
      case '/nothing':
        response.writeHead(204).end();
        return;
      case '/same':
        response.writeHead(304).end();
        return;
      case '/upgrade':
        response.writeHead(101, { connection: 'upgrade', upgrade: 'websocket' }).end();
        return;
      case '/hang':
        return;
      case '/stall':
        response.writeHead(200).write('begun');
        return;
      default:
        response.end('hello');
    }
  });
  second = await Origin.listen((_, response) => response.end('second'), {
    address: '127.0.0.2',
    port: origin.port,
  });
  const tls = await roots.server('127.0.0.1', 'api.test');
  secure = await Origin.listen((_, response) => response.end('secure'), { tls });
  board = new Board(2, { network: { main: NETWORK, data: { names: NAMES, ca: roots.pem }, lingerMs: 50 } });
  await board.prepare(fetcher);
}, 60_000);
afterAll(async () => {
  await board.close();
  await Promise.all([origin.close(), second.close(), secure.close()]);
});

const EXPORTS = ['wafer:app/lifecycle@0.1.0', 'wasi:messaging/incoming-handler@0.2.0-draft'];
const LIMITS = { deadlineMs: 10_000 };

let last = 0;
let app = '';
beforeEach(() => {
  app = `fetcher-${(last += 1)}`;
  board.forget();
  for (const each of [origin, second, secure]) each.forget();
});
afterEach(() => board.runtime.stop(AppName.parse(app)));

const LOOPBACK = ['127.0.0.1'];
/** A grant on the plain origin. */
const granting = (grant: Partial<HttpGrant> = {}): Grants => ({
  ...TALK,
  http: [
    { scheme: 'http', host: 'api.test', port: origin.port, methods: ['GET'], addresses: LOOPBACK, ...grant },
  ],
});

const install = (grants: Grants, limits: Partial<Limits> = LIMITS) =>
  board.install({ app, grants, limits, exports: EXPORTS }, fetcher);
const ask = (action: string, args: object = {}) => board.ask(action, args, app);
const plain = (parts: object = {}) => ({ scheme: 'HTTP', authority: `api.test:${origin.port}`, ...parts });
const faults = () => board.told.faults.map(({ fault }) => [fault.kind, fault.subject]);
const error = (tag: string) => ({ error: expect.objectContaining({ tag }) as unknown });

async function eventually(holds: () => boolean): Promise<void> {
  for (let left = 250; left > 0 && !holds(); left -= 1) await pause(20);
  expect(holds()).toBe(true);
}

describe('a guest with a grant', () => {
  it('gets a response with its status, headers and body', async () => {
    await install(granting());
    const answer = (await ask('fetch', plain({ path: '/greeting?a=1' }))) as { ok: { headers: string[][] } };
    expect(answer).toMatchObject({ ok: { status: 200, text: 'hello' } });
    const names = answer.ok.headers.map(([name]) => name!.toLowerCase());
    expect(names).toContain('content-length');
    expect(names).not.toContain('connection');
    expect(origin.seen).toEqual([
      expect.objectContaining({
        method: 'GET',
        path: '/greeting?a=1',
        headers: { host: `api.test:${origin.port}`, connection: 'close' },
      }),
    ]);
    expect(faults()).toEqual([]);
  });

  it('sends headers as it wrote them and reads trailers and repeated headers', async () => {
    await install(granting());
    const headers = [
      ['X-One', '1'],
      ['x-one', '2'],
      ['X-Bytes', 'é'],
    ];
    const answer = (await ask('fetch', plain({ path: '/trailers', headers }))) as {
      ok: { headers: string[][]; trailers: string[][]; text: string };
    };
    const { 'x-one': one, 'x-bytes': bytes } = origin.seen[0]!.headers;
    expect(one).toBe('1, 2');
    expect(Buffer.from(String(bytes), 'latin1').toString()).toBe('é');
    expect(answer.ok.text).toBe('hello world');
    expect(answer.ok.trailers).toEqual([['x-sum', '42']]);
    expect(answer.ok.headers.filter(([name]) => name === 'x-kind')).toEqual([
      ['x-kind', 'a'],
      ['x-kind', 'b'],
    ]);
  });

  it('keeps no cookie and no connection from one request to the next', async () => {
    await install(granting());
    await ask('fetch', plain({ path: '/trailers' }));
    await ask('fetch', plain());
    expect(origin.connections).toBe(2);
    expect(origin.seen[1]?.headers).not.toHaveProperty('cookie');
    await eventually(() => origin.sockets.size === 0);
  });

  it.each([
    ['with its length', [['content-length', '500000']], undefined],
    ['in chunks', [], undefined],
    ['with trailers', [], [['x-sum', '7']]],
  ])('sends a body %s', async (_, headers, trailers) => {
    await install(granting({ methods: ['POST'] }));
    const body = { text: 'abcde'.repeat(10_000), times: 10, trailers };
    const answer = (await ask('fetch', plain({ method: 'post', path: '/echo', headers, body }))) as {
      ok: { text: string };
    };
    expect(JSON.parse(answer.ok.text)).toEqual({
      bytes: 500_000,
      start: 'abcdeabcdeabcdeabcde',
      trailers: trailers?.[0] ?? [],
    });
  });

  it('may write a body before it hands the request over, up to a window', async () => {
    await install(granting({ methods: ['POST'] }));
    const early = (bytes: number) => ask('early', plain({ method: 'post', path: '/echo', bytes }));
    expect(await early(60_000)).toMatchObject({ ok: { status: 200 } });
    expect(await early(70_000)).toMatchObject({ error: { tag: 'last-operation-failed' } });
  });

  it.each([
    ['HEAD', { tag: 'head' }, '/', 200],
    ['a response without content', { tag: 'get' }, '/nothing', 204],
    ['a response that nothing has changed', { tag: 'get' }, '/same', 304],
  ])('receives no body where there is none: %s', async (_, method, path, status) => {
    await install(granting({ methods: ['GET', 'HEAD'] }));
    expect(await ask('fetch', plain({ method, path }))).toMatchObject({ ok: { status, text: '' } });
    await eventually(() => origin.sockets.size === 0);
  });

  it('may pass over the body and read what follows it, once', async () => {
    await install(granting());
    expect(await ask('unread', plain({ path: '/trailers' }))).toEqual({
      ok: { trailers: [['x-sum', '42']], again: 'err' },
    });
  });

  it('receives a large body whole', async () => {
    await install(granting());
    expect(await ask('size', plain({ path: '/large' }))).toEqual({ ok: 2_000_000 });
  });

  it('asks over TLS, under the name that it asked for', async () => {
    await install(granting({ scheme: 'https', port: secure.port }));
    const answer = await ask('fetch', { scheme: 'HTTPS', authority: `api.test:${secure.port}` });
    expect(answer).toMatchObject({ ok: { status: 200, text: 'secure' } });
    expect(secure.seen[0]?.headers.host).toBe(`api.test:${secure.port}`);
    // No scheme is https.
    expect(await ask('fetch', { authority: `api.test:${secure.port}` })).toMatchObject({
      ok: { text: 'secure' },
    });
  });

  it('asks a literal address and localhost where the grant names them', async () => {
    const { port } = origin;
    const naming = (host: string): HttpGrant => ({ scheme: 'http', host, port, methods: ['GET'] });
    await install({ ...TALK, http: [naming('127.0.0.1'), naming('localhost')] });
    for (const host of ['127.0.0.1', 'localhost', 'LocalHost']) {
      const answer = await ask('fetch', plain({ authority: `${host}:${port}` }));
      expect(answer).toMatchObject({ ok: { text: 'hello' } });
    }
  });

  it('waits for a response and for the clock at once', async () => {
    await install(granting());
    expect(await ask('race', plain({ path: '/hang', ms: 30 }))).toEqual({ ok: [1] });
    expect(await ask('race', plain({ path: '/', ms: 4000 }))).toEqual({ ok: [0] });
  });
});

describe('a request that no grant covers', () => {
  const denied = [
    ['another method', { method: 'post' }, 'http POST http://api.test:PORT'],
    ['a method in other letters', { method: { tag: 'other', val: 'get' } }, 'http get http://api.test:PORT'],
    ['another host', { authority: 'other.test:PORT' }, 'http GET http://other.test:PORT'],
    ['a host that ends alike', { authority: 'evil-api.test:PORT' }, 'http GET http://evil-api.test:PORT'],
    ['a name below', { authority: 'deep.api.test:PORT' }, 'http GET http://deep.api.test:PORT'],
    ['another spelling of the root', { authority: 'api.test.:PORT' }, 'http GET http://api.test.:PORT'],
    ['another port', { authority: 'api.test:1' }, 'http GET http://api.test:1'],
    ['the port of the scheme', { authority: 'api.test' }, 'http GET http://api.test:80'],
    ['another scheme', { scheme: 'HTTPS' }, 'http GET https://api.test:PORT'],
    ['the address behind the name', { authority: '127.0.0.1:PORT' }, 'http GET http://127.0.0.1:PORT'],
    ['an address in IPv6', { authority: '[0:0::1]:PORT' }, 'http GET http://[::1]:PORT'],
  ] as const;

  it.each(denied)('is denied: %s', async (_, change, subject) => {
    await install(granting());
    const { port } = origin;
    const authority = ('authority' in change ? change.authority : 'api.test:PORT').replace('PORT', `${port}`);
    expect(await ask('fetch', plain({ ...change, authority }))).toEqual(error('HTTP-request-denied'));
    expect(faults()).toEqual([['capability-denied', subject.replace('PORT', `${port}`)]]);
    expect(origin.connections).toBe(0);
    // It was the guest's to handle.
    expect(await ask('fetch', plain())).toMatchObject({ ok: { status: 200 } });
  });

  it.each([
    ['user@api.test:PORT'],
    ['api.test:PORT/path'],
    ['api.test:PORT@evil.test'],
    ['api.test:0'],
    ['api.test:99999'],
    ['[::1'],
    ['a pi.test'],
    [''],
  ])('is no address at all: %s', async (authority) => {
    await install(granting());
    const spelled = authority.replace('PORT', `${origin.port}`);
    expect(await ask('fetch', plain({ authority: spelled }))).toEqual(error('HTTP-request-URI-invalid'));
    expect(origin.connections).toBe(0);
  });

  it('is denied by name to a guest without any such grant', async () => {
    await install(TALK);
    const fault = await faultOf(board.deliver('fetch', plain(), app));
    expect(fault).toMatchObject({ kind: 'capability-denied' });
    expect(fault.subject).toContain('wasi:http/types');
    expect(origin.connections).toBe(0);
  });

  it('is allowed by a pattern for every name below a domain, and not for the domain', async () => {
    await install(granting({ host: '*.test' }));
    for (const host of ['api.test', 'very.deep.test']) {
      const answer = await ask('fetch', plain({ authority: `${host}:${origin.port}` }));
      expect(answer).toMatchObject({ ok: { status: 200 } });
    }
    expect(await ask('fetch', plain({ authority: `test:${origin.port}` }))).toEqual(
      error('HTTP-request-denied'),
    );
  });
});

describe('an address that is not public', () => {
  it.each([
    ['private, behind a name', 'api.test', '127.0.0.1'],
    ['of the metadata service of clouds', 'cloud.test', '169.254.169.254'],
    ['one among others', 'mixed.test', '127.0.0.1'],
    ['of loopback in IPv6', 'six.test', '::1'],
  ])('is denied: %s', async (_, host, address) => {
    await install(granting({ host, addresses: [] }));
    const authority = `${host}:${origin.port}`;
    expect(await ask('fetch', plain({ authority }))).toEqual(error('destination-IP-prohibited'));
    expect(faults()).toEqual([['capability-denied', `http http://${host} → ${address}`]]);
    expect(origin.connections).toBe(0);
  });

  it('is denied where a grant names another', async () => {
    await install(granting({ host: 'mixed.test' }));
    expect(await ask('fetch', plain({ authority: `mixed.test:${origin.port}` }))).toEqual(
      error('destination-IP-prohibited'),
    );
    expect(faults()).toEqual([['capability-denied', 'http http://mixed.test → 10.0.0.7']]);
    expect(origin.connections).toBe(0);
  });

  it('is allowed where a grant names its block', async () => {
    await install(granting({ addresses: ['127.0.0.0/8'] }));
    expect(await ask('fetch', plain())).toMatchObject({ ok: { status: 200 } });
  });

  it('is not allowed to one request by the addresses of a grant for another', async () => {
    const { http = [] } = granting({ methods: ['POST'] });
    await install({ ...TALK, http: [...http, ...granting({ addresses: [] }).http!] });
    expect(await ask('fetch', plain())).toEqual(error('destination-IP-prohibited'));
  });
});

describe('a name that leads elsewhere the second time', () => {
  it('is denied then, and the first time went to the address that was checked', async () => {
    const host = 'rebinding.test';
    await install(granting({ host, addresses: ['127.0.0.2'] }));
    const authority = `${host}:${origin.port}`;
    expect(await ask('fetch', plain({ authority }))).toMatchObject({ ok: { text: 'second' } });
    expect(second.seen.map(({ at }) => at)).toEqual(['127.0.0.2']);
    expect(await ask('fetch', plain({ authority }))).toEqual(error('destination-IP-prohibited'));
    expect(faults()).toEqual([['capability-denied', `http http://${host} → 127.0.0.1`]]);
    expect(origin.connections).toBe(0);
  });
});

describe('a redirect', () => {
  it('is the guest to follow, and a private address behind it is denied', async () => {
    const { http = [] } = granting();
    const [grant] = granting({ host: '*.elsewhere.test', addresses: [] }).http!;
    await install({ ...TALK, http: [...http, grant!] });
    const to = `http://inner.elsewhere.test:${origin.port}/`;
    const first = (await ask('fetch', plain({ path: `/redirect?to=${to}` }))) as {
      ok: { status: number; headers: string[][] };
    };
    expect(first.ok.status).toBe(302);
    expect(origin.seen).toHaveLength(1);
    const location = new URL(first.ok.headers.find(([name]) => name === 'location')![1]!);
    const again = await ask('fetch', plain({ authority: location.host, path: location.pathname }));
    expect(again).toEqual(error('destination-IP-prohibited'));
    expect(faults()).toEqual([['capability-denied', 'http http://inner.elsewhere.test → 127.0.0.1']]);
    expect(origin.seen).toHaveLength(1);
  });
});

describe('TLS', () => {
  const grants = (host: string) => granting({ scheme: 'https', host, port: secure.port });
  const over = (host: string) => ({ scheme: 'HTTPS', authority: `${host}:${secure.port}` });

  it('is refused where the certificate is for another name', async () => {
    await install(grants('other.test'));
    expect(await ask('fetch', over('other.test'))).toEqual(error('TLS-certificate-error'));
    expect(secure.seen).toEqual([]);
  });

  it('is refused where nobody known has signed the certificate', async () => {
    const strange = await (await Authority.create('Strangers')).server('127.0.0.1', 'api.test');
    const stranger = await Origin.listen((_, response) => response.end('strange'), { tls: strange });
    try {
      await install(granting({ scheme: 'https', port: stranger.port }));
      const answer = await ask('fetch', { scheme: 'HTTPS', authority: `api.test:${stranger.port}` });
      expect(answer).toEqual(error('TLS-certificate-error'));
      expect(stranger.seen).toEqual([]);
    } finally {
      await stranger.close();
    }
  });

  it('is not spoken by a plain server', async () => {
    await install(granting({ scheme: 'https' }));
    expect(await ask('fetch', plain({ scheme: 'HTTPS' }))).toEqual(error('TLS-protocol-error'));
  });
});

describe('what goes wrong on the way', () => {
  const failing = [
    ['no such name', { authority: 'nowhere.test:PORT' }, 'DNS-error'],
    ['a name without addresses', { authority: 'empty.test:PORT' }, 'DNS-error'],
    ['a resolver that is silent', { authority: 'silent.test:PORT', connectMs: 50 }, 'DNS-timeout'],
    ['headers without end', { path: '/headers' }, 'HTTP-response-header-section-size'],
    ['a server that is silent', { path: '/hang', firstByteMs: 50 }, 'HTTP-response-timeout'],
    ['another protocol', { path: '/upgrade' }, 'HTTP-upgrade-failed'],
    ['a body that nobody announced', { headers: [['content-length', '5']] }, 'HTTP-request-body-size'],
    [
      'a body longer than it said',
      { path: '/echo', headers: [['content-length', '5']], body: { text: 'seven..' } },
      'last-operation-failed',
    ],
    [
      'a body shorter than it said',
      { path: '/echo', headers: [['content-length', '9']], body: { text: 'seven..' } },
      'HTTP-request-body-size',
    ],
    ['trailers announced where none can be', { headers: [['trailer', 'x-sum']] }, 'HTTP-protocol-error'],
    [
      'trailers announced after a body with its length',
      {
        path: '/echo',
        headers: [
          ['trailer', 'x-sum'],
          ['content-length', '2'],
        ],
        body: { text: 'ab' },
      },
      'last-operation-failed',
    ],
    ['a length that is none', { headers: [['content-length', '5, 6']] }, 'HTTP-request-body-size'],
  ] as const;

  it.each(failing)('is told: %s', async (_, change, tag) => {
    await install(granting({ host: '*.test', methods: ['GET', 'POST'] }));
    const authority = ('authority' in change ? change.authority : 'api.test:PORT').replace(
      'PORT',
      `${origin.port}`,
    );
    expect(await ask('fetch', plain({ ...change, authority }))).toEqual(error(tag));
    expect(faults()).toEqual([]);
    await eventually(() => origin.sockets.size === 0);
  });

  it('is told: nobody listens', async () => {
    const free = createTcp();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    await install(granting({ port }));
    const answer = await ask('fetch', { scheme: 'HTTP', authority: `api.test:${port}` });
    expect(answer).toEqual(error('connection-refused'));
  });

  it.each([
    ['a body that breaks off', '/broken'],
    ['a body that stalls', '/stall'],
  ])('is an error of the stream: %s', async (_, path) => {
    await install(granting());
    const answer = await ask('fetch', plain({ path, betweenBytesMs: 60 }));
    expect(answer).toEqual({ error: { stream: 'last-operation-failed' } });
    await eventually(() => origin.sockets.size === 0);
  });

  it('is not sent as if it were whole: a body that the guest dropped', async () => {
    await install(granting({ methods: ['POST'] }));
    expect(await ask('unfinished', plain({ method: 'post', path: '/echo' }))).toEqual(
      error('connection-terminated'),
    );
    await eventually(() => origin.sockets.size === 0);
  });
});

describe('headers', () => {
  it.each([
    ['host', 'forbidden'],
    ['Connection', 'forbidden'],
    ['transfer-encoding', 'forbidden'],
    ['Upgrade', 'forbidden'],
    ['proxy-authorization', 'forbidden'],
    ['keep-alive', 'forbidden'],
    ['a b', 'invalid-syntax'],
    ['', 'invalid-syntax'],
    ['a:', 'invalid-syntax'],
  ])('of the name "%s" are %s', async (name, tag) => {
    await install(granting());
    expect(await ask('fields', { list: [[name, '1']], steps: [] })).toEqual(error(tag));
    const steps = [
      ['set', name, ['1']],
      ['append', name, '1'],
      ['delete', name],
    ];
    const answer = (await ask('fields', { list: [], steps })) as { ok: { outcomes: unknown } };
    expect(answer.ok.outcomes).toEqual(steps.map(() => error(tag)));
  });

  it.each([['a\r\nb: c'], ['a\nb'], ['a\0'], [' a'], ['a ']])('do not take the value %j', async (value) => {
    await install(granting());
    expect(await ask('fields', { list: [['a', value]], steps: [] })).toEqual(error('invalid-syntax'));
  });

  it('are found in any letters and kept as they were written', async () => {
    await install(granting());
    const list = [
      ['One', '1'],
      ['two', '2'],
      ['ONE', '3'],
    ];
    const steps = [
      ['get', 'one'],
      ['has', 'TWO'],
      ['set', 'Two', ['4', '5']],
      ['delete', 'oNe'],
      ['append', 'six', ''],
    ];
    expect(await ask('fields', { list, steps })).toEqual({
      ok: {
        outcomes: [{ ok: ['1', '3'] }, { ok: true }, { ok: null }, { ok: null }, { ok: null }],
        entries: [
          ['Two', '4'],
          ['Two', '5'],
          ['six', ''],
        ],
      },
    });
  });

  it('of a request are not changed any more, but a copy of them is', async () => {
    await install(granting());
    expect(await ask('immutable')).toEqual([
      error('immutable'),
      error('immutable'),
      { ok: null },
      [['a', '1']],
    ]);
  });

  it('by the thousand end the guest that holds them, not the agent', async () => {
    await install(granting());
    const fault = await faultOf(board.deliver('hoard', { times: 1000 }, app));
    expect(fault).toMatchObject({ kind: 'memory-limit' });
    const list = Array.from({ length: 1000 }, (_, index) => [`h${index}`, '1']);
    expect(await faultOf(board.deliver('fields', { list, steps: [] }, app))).toMatchObject({
      kind: 'memory-limit',
    });
  });

  it.each([['/a b'], ['/a\r\nHost: evil'], ['/#part'], ['/é']])('stand not in a path: %j', async (path) => {
    await install(granting());
    const fault = await ask('fetch', plain({ path }));
    expect(fault).toHaveProperty('error');
    expect(origin.connections).toBe(0);
  });
});

describe('a guest that is ended', () => {
  it('by its deadline in the middle of a request leaves no socket open', async () => {
    await install(granting(), { deadlineMs: 1000 });
    const fault = await faultOf(board.deliver('fetch', plain({ path: '/hang' }), app));
    expect(fault).toMatchObject({ kind: 'deadline', subject: '1000 ms' });
    expect(origin.connections).toBe(1);
    await eventually(() => origin.sockets.size === 0);
    expect(await ask('fetch', plain())).toMatchObject({ ok: { status: 200 } });
  });

  it('by being stopped leaves no socket open, and the next one has the network again', async () => {
    await install(granting());
    await ask('many', plain({ path: '/hang', times: 3 }));
    await eventually(() => origin.sockets.size === 3);
    await board.runtime.stop(AppName.parse(app));
    await eventually(() => origin.sockets.size === 0);
    await install(granting());
    expect(await ask('fetch', plain())).toMatchObject({ ok: { status: 200 } });
  });
});

describe('a look-up that hangs', () => {
  it('holds up the other requests of its guest, and nobody else', async () => {
    const neighbour = `${app}-neighbour`;
    await install(granting({ host: '*.test' }));
    await board.install({ app: neighbour, grants: granting(), limits: LIMITS, exports: EXPORTS }, fetcher);
    const silent = plain({ authority: `silent.test:${origin.port}`, times: 1 });
    expect(await ask('many', silent)).toEqual([{ ok: null }]);
    expect(await ask('fetch', plain({ connectMs: 50 }))).toEqual(error('DNS-timeout'));
    expect(await board.ask('fetch', plain(), neighbour)).toMatchObject({ ok: { status: 200 } });
    await board.runtime.stop(AppName.parse(neighbour));
  });
});

describe('a flood', () => {
  it('of requests is bounded: eight at a time, and dropping them makes room', async () => {
    await install(granting());
    const outcomes = (await ask('many', plain({ path: '/hang', times: 50 }))) as object[];
    expect(outcomes.filter((outcome) => 'ok' in outcome)).toHaveLength(8);
    expect(outcomes[8]).toEqual(error('connection-limit-reached'));
    await eventually(() => origin.sockets.size === 8);
    await ask('drop');
    await eventually(() => origin.sockets.size === 0);
    expect(await ask('many', plain({ times: 8 }))).toEqual(Array.from({ length: 8 }, () => ({ ok: null })));
    expect(await ask('collect')).toEqual(Array.from({ length: 8 }, () => ({ ok: 200 })));
  });

  it('of a body that nobody reads stops at the socket', async () => {
    await install(granting());
    poured = 0;
    expect(await ask('ignore', plain({ path: '/endless' }))).toEqual({ ok: null });
    let before = -1;
    while (poured !== before) {
      before = poured;
      await pause(200);
    }
    // What the kernel keeps for both ends of a loopback socket is most of it.
    expect(poured).toBeLessThan(16 * 1024 * 1024);
    expect(await ask('fetch', plain())).toMatchObject({ ok: { status: 200 } });
  });

  it('of one guest leaves its neighbour its own eight', async () => {
    const neighbour = `${app}-neighbour`;
    await install(granting());
    await board.install({ app: neighbour, grants: granting(), limits: LIMITS, exports: EXPORTS }, fetcher);
    await ask('many', plain({ path: '/hang', times: 20 }));
    expect(await board.ask('fetch', plain(), neighbour)).toMatchObject({ ok: { status: 200 } });
    await board.runtime.stop(AppName.parse(neighbour));
  });
});
