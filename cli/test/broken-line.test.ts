/** A line that breaks before the answer has come: changes are sent again with the same key. */
import { CreateRollout } from '@wafer/protocol';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApi } from '../src/api/client.ts';
import { ID, view } from './rollout-views.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** How the next requests are answered; the last of them, all that follow. */
let answers: Answer[];
let keys: (string | undefined)[];
let waits: number[];
let server: ReturnType<typeof createServer>;
let api: ReturnType<typeof createApi>;

beforeEach(async () => {
  [answers, keys, waits] = [[], [], []];
  server = createServer((request, response) => {
    keys.push(request.headers['idempotency-key'] as string | undefined);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    request.resume().on('end', () => answer?.(request, response));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const sleep = (ms: number) => Promise.resolve(void waits.push(ms));
  api = createApi({ api: `http://127.0.0.1:${port}`, token: 'token-of-the-test' }, sleep);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const made: Answer = (_, response) => void response.end(JSON.stringify(view('PAUSED')));
/** What was asked for is done, and nobody hears of it. */
const cut: Answer = (request) => void request.socket.destroy();
const cutInTheAnswer: Answer = (request, response) => {
  response.writeHead(200, { 'content-length': '5000' });
  response.write('{"id":', () => request.socket.destroy());
};
const problem =
  (status: number, code: string): Answer =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' });
    response.end(
      JSON.stringify({ type: `urn:wafer:error:${code}`, title: code, status, detail: code, code }),
    );
  };

const pause = () => api.orderRollout(ID, 'pause', {});

describe('a change', () => {
  it.each([
    ['before the answer', cut],
    ['within the answer', cutInTheAnswer],
  ])('whose line is cut %s is sent again with the same key', async (_, broken) => {
    answers = [broken, broken, made];
    expect(await pause()).toMatchObject({ state: 'PAUSED' });
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[\x21-\x7e]{8,200}$/);
  });

  it('has another key than the one before', async () => {
    answers = [made];
    await pause();
    await pause();
    expect(new Set(keys).size).toBe(2);
  });

  it('waits for a server that still works on the first request, or is not back yet', async () => {
    answers = [cut, problem(409, 'request.in-progress'), problem(503, 'server.unavailable'), made];
    expect(await pause()).toMatchObject({ state: 'PAUSED' });
    expect(new Set(keys).size).toBe(1);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  });

  it('that was answered is not sent again, whatever the answer', async () => {
    answers = [problem(503, 'server.unavailable')];
    await expect(pause()).rejects.toMatchObject({ code: 'server.unavailable' });
    answers = [problem(409, 'rollout.transition')];
    await expect(pause()).rejects.toMatchObject({ code: 'rollout.transition' });
    expect(keys).toHaveLength(2);
  });

  it('is told to be unknown when no answer ever comes', async () => {
    answers = [cut];
    await expect(pause()).rejects.toMatchObject({
      code: 'server.unreachable',
      message: expect.stringMatching(/look whether the change was made/) as string,
    });
    expect(new Set(keys).size).toBe(1);
  });

  it('that finds nobody ends at once: nothing was sent', async () => {
    server.close();
    await expect(pause()).rejects.toMatchObject({ code: 'server.unreachable' });
    expect(waits).toEqual([]);
  });
});

it('reading and asking carry no key', async () => {
  answers = [made];
  await api.rollout(ID);
  answers = [problem(422, 'rollout.empty')];
  await expect(
    api.previewRollout(
      CreateRollout.parse({
        name: 'x',
        channel: 'stable',
        targets: [{ app: 'thermo', version: '1.1.0' }],
      }),
    ),
  ).rejects.toMatchObject({ code: 'rollout.empty' });
  expect(keys).toEqual([undefined, undefined]);
});
