/** Guests that were granted a little of the network, and want more of it: real sockets on loopback. */
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { AppName, type Grants, type HttpGrant, type Limits } from '@wafer/protocol';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { Board, faultOf, TALK } from '../apps/harness.ts';
import { Origin } from '../apps/origin.ts';
import { attack, freshApp } from './stage.ts';

const MIB = 1024 * 1024;
const fetcher = readFileSync(join(import.meta.dirname, '../fixtures/fetcher.wasm'));
const EXPORTS = ['wafer:app/lifecycle@0.1.0', 'wasi:messaging/incoming-handler@0.2.0-draft'];
const NETWORK = new URL('../fixtures/network.ts', import.meta.url);

/** 127.0.0.1 is the address that a grant names; 127.0.0.2 is a private one that none does. */
const NAMES: Record<string, string[][]> = {
  'api.test': [['127.0.0.1']],
  'inner.test': [['127.0.0.2']],
  'rebinding.test': [['127.0.0.1'], ['127.0.0.2']],
  'mixed.test': [['127.0.0.1', '127.0.0.2']],
  'mapped.test': [['::ffff:127.0.0.2']],
  'cloud.test': [['169.254.169.254']],
};

let board: Board;
let origin: Origin;
/** On 127.0.0.2, with the port of `origin`: nothing may ever arrive there. */
let inner: Origin;
/** Bytes of bodies that `origin` received, and bytes that it could hand to its sockets. */
let received = 0;
let poured = 0;

const BLOCK = Buffer.alloc(256 * 1024, 'x');
const answer: RequestListener = (request, response) => {
  const url = new URL(request.url ?? '/', 'http://origin.test');
  const pour = (left: number): void => {
    for (let rest = left; rest > 0 && !response.destroyed; rest -= BLOCK.length) {
      if (response.write(BLOCK, () => (poured += BLOCK.length))) continue;
      return void response.once('drain', () => pour(rest - BLOCK.length));
    }
    response.end();
  };
  switch (url.pathname) {
    case '/redirect':
      return void response.writeHead(302, { location: url.searchParams.get('to')! }).end();
    case '/swallow':
      request.on('data', (part: Buffer) => (received += part.length));
      request.on('end', () => response.end());
      return;
    case '/pour':
      return pour(Number(url.searchParams.get('bytes') ?? Infinity));
    case '/headers':
      for (let index = 0; index < 64; index += 1) response.setHeader(`x-${index}`, 'y'.repeat(1024));
      return void response.end();
    case '/hang':
      return;
    default:
      response.end('hello');
  }
};

beforeAll(async () => {
  origin = await Origin.listen(answer);
  inner = await Origin.listen((_, response) => response.end('inner'), {
    address: '127.0.0.2',
    port: origin.port,
  });
  board = new Board(1, { network: { main: NETWORK, data: { names: NAMES, ca: undefined }, lingerMs: 50 } });
  await board.prepare(fetcher);
}, 60_000);
afterAll(async () => {
  await board.close();
  await Promise.all([origin.close(), inner.close()]);
});
beforeEach(() => {
  origin.forget();
  inner.forget();
  [received, poured] = [0, 0];
});

interface Answer {
  readonly ok?: { status: number; headers: string[][]; text: string };
  readonly error?: { tag: string };
}

const GET: HttpGrant['methods'] = ['GET'];
const granted = (host = 'api.test', more: Partial<HttpGrant> = {}): HttpGrant => ({
  scheme: 'http',
  host,
  port: origin.port,
  methods: GET,
  addresses: ['127.0.0.1'],
  ...more,
});

/** A guest with these grants. */
async function enter(http: readonly HttpGrant[], limits: Partial<Limits> = {}, on = board) {
  const app = freshApp();
  const grants: Grants = { ...TALK, http: [...http] };
  await on.install({ app, grants, limits: { deadlineMs: 20_000, ...limits }, exports: EXPORTS }, fetcher);
  const ask = (action: string, args: object) => on.ask(action, args, app) as Promise<Answer>;
  const faults = () =>
    on.told.faults.filter((told) => told.app === app).map(({ fault }) => `${fault.kind}: ${fault.subject}`);
  return { app, ask, faults };
}

type Guest = Awaited<ReturnType<typeof enter>>;

const at = (host: string): string => `${host}:${origin.port}`;
const plain = (parts: object = {}) => ({ scheme: 'HTTP', authority: at('api.test'), ...parts });

/** The request is denied, once, by name, and nothing arrives anywhere. */
async function denied(guest: Guest, request: object, tag: string, subject: string): Promise<string> {
  const [before, arrived] = [guest.faults().length, origin.connections];
  expect(await guest.ask('fetch', request)).toMatchObject({ error: { tag } });
  expect(guest.faults().slice(before)).toEqual([`capability-denied: ${subject}`]);
  expect(origin.connections).toBe(arrived);
  expect(inner.connections).toBe(0);
  return `denied: ${subject.replaceAll(`:${origin.port}`, ':PORT')}`;
}

// Redirects ----------------------------------------------------------------------------------------

const REDIRECTS = [
  ['a private address behind a granted name', 'inner.test', 'destination-IP-prohibited'],
  ['a private address itself', '127.0.0.2', 'HTTP-request-denied'],
  ['a host that was not granted', 'cloud.test', 'HTTP-request-denied'],
] as const;
for (const [name, host, tag] of REDIRECTS) {
  attack(`http: redirect to ${name}`, async () => {
    const guest = await enter([granted(), granted('inner.test', { addresses: [] })]);
    const first = await guest.ask('fetch', plain({ path: `/redirect?to=http://${at(host)}/latest` }));
    expect(first.ok?.status).toBe(302);
    // Nobody follows it but the guest.
    expect([origin.connections, inner.connections]).toEqual([1, 0]);
    const location = new URL(first.ok!.headers.find(([header]) => header === 'location')![1]!);
    const subject =
      tag === 'HTTP-request-denied' ? `http GET http://${at(host)}` : 'http http://inner.test → 127.0.0.2';
    return denied(guest, plain({ authority: location.host, path: location.pathname }), tag, subject);
  });
}

// Names and addresses --------------------------------------------------------------------------------

attack('http: name that leads to a private address at the second look-up', async () => {
  const guest = await enter([granted('rebinding.test')]);
  const request = plain({ authority: at('rebinding.test') });
  // The first answer is checked, and the connection goes there: nobody looks a second time.
  expect(await guest.ask('fetch', request)).toMatchObject({ ok: { text: 'hello' } });
  expect(origin.seen.map((seen) => [seen.at, seen.headers.host])).toEqual([
    ['127.0.0.1', at('rebinding.test')],
  ]);
  expect(inner.connections).toBe(0);
  return denied(guest, request, 'destination-IP-prohibited', 'http http://rebinding.test → 127.0.0.2');
});

const BEHIND = [
  ['one that is private among its addresses', 'mixed.test', '127.0.0.2'],
  ['a private address in IPv6’s spelling', 'mapped.test', '::ffff:127.0.0.2'],
  ['the metadata service of a cloud', 'cloud.test', '169.254.169.254'],
] as const;
for (const [name, host, address] of BEHIND) {
  attack(`http: granted name that leads to ${name}`, async () => {
    const guest = await enter([granted(host)]);
    const subject = `http http://${host} → ${address}`;
    return denied(guest, plain({ authority: at(host) }), 'destination-IP-prohibited', subject);
  });
}

/** How it is written, and how the fault names it. */
const SPELLINGS = [
  ['127.0.0.1'],
  ['127.1'],
  ['2130706433'],
  ['0x7f000001'],
  ['0x7f.0.0.1'],
  ['017700000001'],
  ['0177.0.0.1'],
  ['0.0.0.0'],
  ['localhost'],
  ['localhost.'],
  ['10.0.0.7'],
  ['192.168.0.1'],
  ['169.254.169.254'],
  ['[::1]'],
  ['[::]'],
  ['[fe80::1]'],
  ['[fd00::1]'],
  ['[::ffff:127.0.0.1]', '[::ffff:7f00:1]'],
  ['[0:0:0:0:0:FFFF:7f00:0001]', '[::ffff:7f00:1]'],
  ['[64:ff9b::127.0.0.1]', '[64:ff9b::7f00:1]'],
] as const;
attack(`http: loopback, private and link-local addresses, in ${SPELLINGS.length} spellings`, async () => {
  const guest = await enter([granted()]);
  for (const [spelled, told = spelled] of SPELLINGS) {
    const subject = `http GET http://${at(told)}`;
    await denied(guest, plain({ authority: at(spelled) }), 'HTTP-request-denied', subject);
  }
  return `denied: http GET http://[::ffff:7f00:1]:PORT and ${SPELLINGS.length - 1} others`;
});

attack('http: granted names that the board’s resolver reads as 127.0.0.1', async () => {
  const own = new Board();
  try {
    const names = ['2130706433', '0x7f000001', '017700000001', '127.1', '0177.0.0.1', '0x7f.1'];
    const grants = [...names, '*.0.1'].map((host) => granted(host, { addresses: [] }));
    const guest = await enter(grants, {}, own);
    for (const host of [...names, '127.0.0.1']) {
      const subject = `http http://${host} → 127.0.0.1`;
      await denied(guest, plain({ authority: at(host) }), 'destination-IP-prohibited', subject);
    }
    return 'denied: http http://2130706433 → 127.0.0.1';
  } finally {
    await own.close();
  }
});

// Beside the grant -----------------------------------------------------------------------------------

const BESIDE = [
  ['on another port', { authority: 'api.test:1' }, 'GET http://api.test:1'],
  ['on the scheme’s own port', { authority: 'api.test' }, 'GET http://api.test:80'],
  ['with another scheme', { scheme: 'HTTPS' }, 'GET https://api.test:PORT'],
  ['with another method', { method: 'delete' }, 'DELETE http://api.test:PORT'],
  ['with a method of its own', { method: { tag: 'other', val: 'get' } }, 'get http://api.test:PORT'],
  ['as a proxy', { method: 'connect' }, 'CONNECT http://api.test:PORT'],
  ['by a name below it', { authority: 'x.api.test:PORT' }, 'GET http://x.api.test:PORT'],
  ['by a name that ends alike', { authority: 'evil-api.test:PORT' }, 'GET http://evil-api.test:PORT'],
  ['with a dot behind', { authority: 'api.test.:PORT' }, 'GET http://api.test.:PORT'],
] as const;
for (const [name, change, use] of BESIDE) {
  attack(`http: granted host ${name}`, async () => {
    const guest = await enter([granted()]);
    const request =
      'authority' in change ? { authority: change.authority.replace('PORT', `${origin.port}`) } : change;
    const subject = `http ${use.replace('PORT', `${origin.port}`)}`;
    return denied(guest, plain(request), 'HTTP-request-denied', subject);
  });
}

// Smuggling ------------------------------------------------------------------------------------------

/** Of a function whose error has no value. */
const NO_REASON = { error: null };
const failing = (tag: string) => ({ error: expect.objectContaining({ tag }) as unknown });

/**
 * Each is refused with its error where the guest puts it together; then an honest request arrives, alone and
 * as it was written.
 */
async function nothingSmuggled(requests: readonly (readonly [object, object])[]): Promise<void> {
  const guest = await enter([granted('api.test', { methods: ['GET', 'POST'] })]);
  for (const [request, error] of requests) {
    expect(await guest.ask('fetch', plain(request))).toEqual(error);
  }
  expect(origin.connections).toBe(0);
  expect(await guest.ask('fetch', plain({ path: '/honest', headers: [['x-a', '1']] }))).toHaveProperty('ok');
  const headers = { host: at('api.test'), connection: 'close', 'x-a': '1' };
  expect(origin.seen).toEqual([expect.objectContaining({ method: 'GET', path: '/honest', headers })]);
  expect(guest.faults()).toEqual([]);
}

const LINE_ENDS = ['\r\n', '\n', '\r', '\0'];
attack('http: line ends in headers', async () => {
  const headers = LINE_ENDS.flatMap((end) => [
    ['x-a', `1${end}host: cloud.test`],
    [`x-a: 1${end}host`, 'cloud.test'],
  ]);
  await nothingSmuggled(headers.map((header) => [{ headers: [header] }, failing('invalid-syntax')]));
  return 'refused: invalid-syntax';
});
attack('http: line ends in path, method and authority', async () => {
  await nothingSmuggled(
    LINE_ENDS.flatMap((end) => {
      const second = ` HTTP/1.1${end}host: cloud.test${end}${end}GET /`;
      return [
        [{ path: `/${second}` }, NO_REASON],
        [{ method: { tag: 'other', val: `GET /${second}` } }, NO_REASON],
        [{ authority: `${at('api.test')}${end}x-a: 1` }, failing('HTTP-request-URI-invalid')],
      ] as const;
    }),
  );
  return 'refused: no such path, method or authority';
});
attack('http: Host header for another than the granted host', async () => {
  const names = ['host', 'Host', 'HOST', 'proxy-authorization', 'proxy-connection'];
  await nothingSmuggled(names.map((name) => [{ headers: [[name, 'cloud.test']] }, failing('forbidden')]));
  return 'refused: forbidden';
});
attack('http: authority that names two hosts', async () => {
  const host = at('api.test');
  const two = [`cloud.test@${host}`, `${host}@cloud.test`, `${host}/@cloud.test`, `${host}#`, `${host}\\@x`];
  await nothingSmuggled(two.map((authority) => [{ authority }, failing('HTTP-request-URI-invalid')]));
  return 'refused: HTTP-request-URI-invalid';
});
attack('http: two requests in one body', async () => {
  const second = 'GET /second HTTP/1.1\r\nhost: cloud.test\r\n\r\n';
  const post = (...headers: readonly (readonly [string, string])[]) => ({
    method: 'post',
    path: '/swallow',
    body: { text: second },
    headers,
  });
  const whole = `${second.length}`;
  await nothingSmuggled([
    [post(['transfer-encoding', 'chunked'], ['content-length', '0']), failing('forbidden')],
    [post(['content-length', '1'], ['content-length', whole]), failing('HTTP-request-body-size')],
    [post(['content-length', `0, ${whole}`]), failing('HTTP-request-body-size')],
  ]);
  return 'refused: transfer-encoding is the host’s, and content-length is one number';
});

// Too much -------------------------------------------------------------------------------------------

attack('http: flood of a request’s body', async () => {
  const limit = 200_000;
  const guest = await enter([granted('api.test', { methods: ['POST'] })], { outgoingBytesPerMinute: limit });
  const flood = plain({ method: 'post', path: '/swallow', body: { text: 'x'.repeat(4096), times: 10_000 } });
  for (let time = 0; time < 3; time += 1) expect(await guest.ask('fetch', flood)).toHaveProperty('error');
  expect(new Set(guest.faults())).toEqual(new Set(['bytes-limit: outgoingBytesPerMinute']));
  expect(received).toBeGreaterThan(0);
  expect(received).toBeLessThanOrEqual(limit);
  return `bytes-limit: ${received} of 120 MB went out`;
});
attack('http: flood of requests', async () => {
  const guest = await enter([granted()], { messagesPerMinute: 20 });
  for (let time = 0; time < 5; time += 1) {
    // Its answers are messages too, so towards the end it can not send them.
    await board.deliver('many', plain({ times: 8, path: '/' }), guest.app).catch(() => undefined);
    await board.deliver('collect', {}, guest.app).catch(() => undefined);
  }
  expect(new Set(guest.faults())).toContain('messages-limit: messagesPerMinute');
  expect(origin.seen.length).toBeGreaterThan(0);
  expect(origin.connections).toBeLessThanOrEqual(20);
  return `messages-limit: ${origin.connections} of 40 went out`;
});
attack('http: flood of requests that are never answered', async () => {
  const guest = await enter([granted()]);
  const outcomes = (await guest.ask('many', plain({ times: 100, path: '/hang' }))) as unknown as Answer[];
  expect(outcomes.filter((outcome) => 'ok' in outcome)).toHaveLength(8);
  expect(outcomes.at(-1)).toMatchObject({ error: { tag: 'connection-limit-reached' } });
  await expect.poll(() => origin.connections).toBe(8);
  await guest.ask('drop', {});
  await expect.poll(() => origin.sockets.size).toBe(0);
  return 'refused: connection-limit-reached, after 8';
});

/** The most that the process grew while this ran, bytes. */
async function peakGrowth(run: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage.rss();
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss() - before)), 10);
  try {
    await run();
  } finally {
    clearInterval(timer);
  }
  return most;
}

attack('http: response of 1 GB that the guest reads', async () => {
  const guest = await enter([granted()], { deadlineMs: 60_000 });
  const grew = await peakGrowth(async () => {
    const read = await guest.ask('drain', plain({ path: `/pour?bytes=${1024 * MIB}` }));
    expect(read).toEqual({ ok: 1024 * MIB });
  });
  // Pieces that both threads have let go of, until V8 collects them.
  expect(grew).toBeLessThan(192 * MIB);
  return 'it passes in pieces of 64 KiB';
});
attack('http: response of 1 GB that the guest keeps', async () => {
  const guest = await enter([granted()], { deadlineMs: 60_000 });
  const grew = await peakGrowth(async () => {
    const kept = await guest.ask('fetch', plain({ path: `/pour?bytes=${1024 * MIB}` }));
    expect(kept).toEqual({ error: { stream: 'InternalError: out of memory' } });
  });
  expect(poured).toBeLessThan(128 * MIB);
  expect(grew).toBeLessThan(192 * MIB);
  await board.runtime.stop(AppName.parse(guest.app));
  await expect.poll(() => origin.sockets.size).toBe(0);
  return 'out of memory: it is the guest’s own that it fills';
});
attack('http: response that never ends', async () => {
  const guest = await enter([granted()], { deadlineMs: 2000 });
  const grew = await peakGrowth(async () => {
    const fault = await faultOf(guest.ask('drain', plain({ path: '/pour' })));
    expect(fault).toMatchObject({ kind: 'deadline', subject: '2000 ms' });
  });
  expect(poured).toBeGreaterThan(0);
  expect(grew).toBeLessThan(192 * MIB);
  await expect.poll(() => origin.sockets.size).toBe(0);
  return 'deadline: 2000 ms, and its socket is closed';
});
attack('http: response of which the guest reads nothing', async () => {
  const guest = await enter([granted()]);
  const grew = await peakGrowth(async () => {
    expect(await guest.ask('ignore', plain({ path: '/pour' }))).toEqual({ ok: null });
    let before = -1;
    while (poured !== before) {
      before = poured;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  });
  // What the kernel keeps for both ends of a socket on loopback is most of it.
  expect(poured).toBeLessThan(16 * MIB);
  expect(grew).toBeLessThan(64 * MIB);
  await board.runtime.stop(AppName.parse(guest.app));
  await expect.poll(() => origin.sockets.size).toBe(0);
  return 'no more is taken from the socket than the guest takes';
});
attack('http: response with 64 KiB of headers', async () => {
  const guest = await enter([granted()]);
  const came = await guest.ask('fetch', plain({ path: '/headers' }));
  expect(came).toMatchObject({ error: { tag: 'HTTP-response-header-section-size' } });
  await expect.poll(() => origin.sockets.size).toBe(0);
  return 'refused: HTTP-response-header-section-size';
});
