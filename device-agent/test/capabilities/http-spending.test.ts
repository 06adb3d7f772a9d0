/** What a guest sends is counted through its host, and what the host turns down is not sent. */
import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { afterEach, expect, it } from 'vitest';
import { createHttp } from '../../src/capabilities/http/guest.ts';
import type { ToNetwork } from '../../src/capabilities/http/port.ts';
import type { createFields } from '../../src/capabilities/http/fields.ts';
import type { createOutgoing, OutgoingRequest } from '../../src/capabilities/http/outgoing.ts';
import { WitError } from '../../src/capabilities/host.ts';
import { quietHost } from './quiet-host.ts';

type Types = ReturnType<typeof createOutgoing> & { readonly Fields: ReturnType<typeof createFields> };

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

/** A guest whose host counts with `spend`, and the network's end of its line. */
function guest(spend: (messages: number, bytes: number) => boolean) {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  const signal = new SharedArrayBuffer(4);
  const used: string[] = [];
  const host = quietHost({
    grants: { http: [{ scheme: 'https', host: 'api.test', methods: ['POST'] }] },
    spend,
    used: (grant) => void used.push(grant),
  });
  const { interfaces } = createHttp(host, { port: port1, signal });
  const types = interfaces['wasi:http/types'] as Types;
  const { handle } = interfaces['wasi:http/outgoing-handler'] as {
    handle: (request: OutgoingRequest, options: undefined) => object;
  };
  const request = new types.OutgoingRequest(new types.Fields());
  request.setMethod({ tag: 'post' });
  request.setAuthority('api.test');
  const asked = (): string[] => {
    const list: string[] = [];
    for (;;) {
      const received: { message: ToNetwork } | undefined = receiveMessageOnPort(port2);
      if (received === undefined) return list;
      list.push(received.message.ask);
    }
  };
  return { request, send: () => handle(request, undefined), asked, used };
}

const payloadOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    if (error instanceof WitError) return error.payload;
    throw error;
  }
  throw new Error('it was not refused');
};

it('a request is one message, and its body so many bytes', () => {
  const spent: [number, number][] = [];
  const { request, send, asked } = guest((messages, bytes) => {
    spent.push([messages, bytes]);
    return true;
  });
  const stream = request.body().write();
  send();
  stream.write(new Uint8Array(10));
  stream.write(new Uint8Array(5));
  expect(spent).toEqual([
    [1, 0],
    [0, 10],
    [0, 5],
  ]);
  expect(asked()).toEqual(['begin', 'write', 'write']);
});

it('a request over the limit is not begun', () => {
  const { send, asked } = guest((messages) => messages === 0);
  expect(payloadOf(send)).toEqual({ tag: 'internal-error', val: 'over the limit messagesPerMinute' });
  expect(asked()).toEqual([]);
});

it('a body over the limit ends its request', () => {
  const { request, send, asked } = guest((_, bytes) => bytes <= 10);
  const stream = request.body().write();
  send();
  stream.write(new Uint8Array(10));
  expect(payloadOf(() => stream.write(new Uint8Array(11)))).toMatchObject({ tag: 'last-operation-failed' });
  expect(asked()).toEqual(['begin', 'write', 'abort']);
});
