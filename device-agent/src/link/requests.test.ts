import { Digest, encodeFrame, MetadataName, type Request } from '@wafer/protocol';
import { expect, test, vi } from 'vitest';
import { createRequests } from './requests.ts';

const DIGEST = Digest.parse('a'.repeat(64));
const chunk = (index: number) => ({ want: 'chunk', digest: DIGEST, index }) as const;
const TIMESTAMP = { want: 'metadata', name: MetadataName.parse('timestamp.json'), offset: 0 } as const;
const ok = (id: number, body = 'x', rest: object = {}) =>
  encodeFrame({ id, status: 'ok', encoding: 'identity', ...rest }, Buffer.from(body));

function newRequests(options: { window?: number; timeoutMs?: number; tries?: number } = {}) {
  const sent: Request[] = [];
  return { sent, requests: createRequests({ send: (request) => sent.push(request), ...options }) };
}

test('an answer goes to whom it belongs, in whatever order answers come', async () => {
  const { sent, requests } = newRequests();
  const [first, second] = [requests.ask(chunk(0)), requests.ask(chunk(1))];
  await vi.waitFor(() => expect(sent).toHaveLength(2));
  requests.receive(ok(sent[1]!.id, 'two'));
  requests.receive(ok(sent[0]!.id, 'one'));
  expect(
    [await first, await second].map((answer) => answer.status === 'ok' && answer.body.toString()),
  ).toEqual(['one', 'two']);
});

test('no more than the window is under way', async () => {
  const { sent, requests } = newRequests({ window: 2 });
  const all = [0, 1, 2, 3, 4].map((index) => requests.ask(chunk(index)));
  await vi.waitFor(() => expect(sent).toHaveLength(2));
  for (let answered = 0; answered < 5; answered += 1) {
    await vi.waitFor(() => expect(sent.length).toBeGreaterThan(answered));
    expect(sent.length - answered).toBeLessThanOrEqual(2);
    requests.receive(ok(sent[answered]!.id));
  }
  expect(await Promise.all(all)).toHaveLength(5);
});

test('silence is a link fault after the last try', async () => {
  vi.useFakeTimers();
  const { sent, requests } = newRequests({ timeoutMs: 1000, tries: 3 });
  const asked = requests.ask(TIMESTAMP);
  const failure = asked.catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(3000);
  expect(await failure).toMatchObject({ fault: { kind: 'link' } });
  expect(sent.map(({ id }) => id)).toEqual([1, 1, 1]);
  vi.useRealTimers();
});

test('busy is not an answer: the next try follows', async () => {
  vi.useFakeTimers();
  const { sent, requests } = newRequests({ timeoutMs: 1000 });
  const asked = requests.ask(chunk(0));
  await vi.advanceTimersByTimeAsync(0);
  expect(requests.receive(encodeFrame({ id: 1, status: 'error', code: 'busy' }, Buffer.alloc(0)))).toBe(true);
  await vi.advanceTimersByTimeAsync(1000);
  expect(sent).toHaveLength(2);
  requests.receive(ok(1));
  expect((await asked).status).toBe('ok');
  vi.useRealTimers();
});

test('a new session asks again at once for what waits', async () => {
  const { sent, requests } = newRequests();
  const asked = requests.ask(chunk(0));
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  requests.reconnected();
  expect(sent).toHaveLength(2);
  requests.receive(ok(1));
  await asked;
});

test('forged, doubled and unfitting answers count for nothing', async () => {
  const { requests } = newRequests();
  const asked = requests.ask(TIMESTAMP);
  await Promise.resolve();
  expect(requests.receive(Buffer.from('not a frame'))).toBe(false);
  expect(requests.receive(ok(99))).toBe(false);
  expect(requests.receive(ok(1, 'no total'))).toBe(false);
  expect(requests.receive(ok(1, 'longer than the whole', { total: 3 }))).toBe(false);
  expect(requests.receive(ok(1, '', { total: 3 }))).toBe(false);
  expect(requests.receive(ok(1, 'all', { total: 3 }))).toBe(true);
  expect(requests.receive(ok(1, 'all', { total: 3 }))).toBe(false);
  expect((await asked).status).toBe('ok');
});

test('news whose files do not add up to what came are no answer', async () => {
  const { requests } = newRequests();
  const asked = requests.ask({ want: 'news', known: {} });
  await Promise.resolve();
  const files = [{ name: 'timestamp.json', bytes: 3 }];
  expect(requests.receive(ok(1, 'all'))).toBe(false);
  expect(requests.receive(ok(1, 'too much', { files }))).toBe(false);
  expect(requests.receive(ok(1, 'al', { files }))).toBe(false);
  expect(requests.receive(ok(1, 'all', { files: [{ name: '../root.json', bytes: 3 }] }))).toBe(false);
  expect(requests.receive(ok(1, 'all', { files }))).toBe(true);
  expect((await asked).status).toBe('ok');
});

test('an aborted request gives its place to the next', async () => {
  const { sent, requests } = newRequests({ window: 1 });
  const abort = new AbortController();
  const first = requests.ask(chunk(0), abort.signal);
  const second = requests.ask(chunk(1));
  abort.abort(new Error('superseded'));
  await expect(first).rejects.toThrow('superseded');
  await vi.waitFor(() => expect(sent).toHaveLength(2));
  requests.receive(ok(sent[1]!.id));
  await second;
});
