import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DeviceId, LiveEvent } from '@wafer/protocol';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, expect, it } from 'vitest';
import { SOON } from './mqtt-link.ts';
import { createLiveHub, live, type LiveHub } from '../src/live/index.ts';
import { answerProblems } from '../src/http/problems.ts';

let app: FastifyInstance;
let hub: LiveHub;
afterEach(() => app.close());

async function open(role: 'viewer' | 'stranger' = 'viewer'): Promise<void> {
  app = fastify();
  hub = createLiveHub();
  answerProblems(app);
  app.decorateRequest('actor', null);
  app.decorate('authenticate', async () =>
    role === 'stranger' ? undefined : { name: 'someone', role, via: 'token' as const, person: null },
  );
  await app.register(live({ live: hub, clock: { now: () => Date.now() } }));
  await app.listen({ port: 0, host: '127.0.0.1' });
}

/** A page's EventSource, as far as the tests need one. */
class Page {
  readonly response: IncomingMessage;
  readonly closed: Promise<unknown>;
  text = '';

  constructor(response: IncomingMessage) {
    this.response = response;
    this.closed = new Promise((resolve) => response.once('close', resolve));
    response.on('error', () => undefined);
    response.setEncoding('utf8').on('data', (chunk: string) => (this.text += chunk));
  }

  get hints(): LiveEvent[] {
    const blocks = this.text.split('\n\n').slice(0, -1);
    return blocks
      .filter((block) => block.startsWith('data: '))
      .map((block) => JSON.parse(block.slice(6)) as LiveEvent);
  }
}

async function listen(): Promise<Page> {
  const { port } = app.server.address() as AddressInfo;
  const outgoing = request({ port, host: '127.0.0.1', path: '/events' }).end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const page = new Page(response);
  await expect.poll(() => page.text, SOON).toContain('retry:');
  return page;
}

const device = (name: string): LiveEvent => ({ type: 'device', device: `d-${name}` as DeviceId });

it('tells every page of a change', async () => {
  await open();
  const pages = [await listen(), await listen()];
  expect(pages[0]?.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
  hub.publish(device('a'));
  await expect.poll(() => pages.map((page) => page.hints), SOON).toEqual([[device('a')], [device('a')]]);
});

it('makes one hint of many about the same device, and tells of the last', async () => {
  await open();
  const page = await listen();
  for (let index = 0; index < 500; index += 1) hub.publish(device('a'));
  hub.publish(device('b'));
  await expect.poll(() => page.hints, SOON).toEqual([device('a'), device('b'), device('a')]);
});

it('asks a page that did not read to read everything again, once it reads', async () => {
  await open();
  const page = await listen();
  page.response.socket.pause();
  for (let round = 0; round < 400; round += 1) {
    for (let index = 0; index < 500; index += 1) hub.publish(device(`${round}-${index}`));
    await new Promise((resolve) => setImmediate(resolve));
  }
  page.response.socket.resume();
  await expect.poll(() => page.hints.at(-1), SOON).toEqual({ type: 'resync' });
  expect(page.hints.length).toBeLessThan(400 * 500);
});

it('refuses a stranger with a problem, not with a stream', async () => {
  await open('stranger');
  const response = await app.inject('/events');
  expect(response.statusCode).toBe(401);
  expect(response.json()).toMatchObject({ code: 'auth.required' });
});

it('forgets a page that left, and closes those that are open when the server closes', async () => {
  await open();
  let listeners = 0;
  const inner = hub;
  const counted: LiveHub = {
    publish: (event) => inner.publish(event),
    subscribe(listener) {
      listeners += 1;
      const stop = inner.subscribe(listener);
      let isStopped = false;
      return () => {
        if (!isStopped) listeners -= 1;
        isStopped = true;
        stop();
      };
    },
  };
  await app.close();
  hub = counted;
  app = fastify();
  app.decorateRequest('actor', null);
  app.decorate('authenticate', async () => ({
    name: 'someone',
    role: 'viewer' as const,
    via: 'token' as const,
    person: null,
  }));
  await app.register(live({ live: counted, clock: { now: () => Date.now() } }));
  await app.listen({ port: 0, host: '127.0.0.1' });
  const [gone, staying] = [await listen(), await listen()];
  expect(listeners).toBe(2);
  gone?.response.destroy();
  await expect.poll(() => listeners, SOON).toBe(1);
  await app.close();
  await staying?.closed;
  expect(listeners).toBe(0);
});
