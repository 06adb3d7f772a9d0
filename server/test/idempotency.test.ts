import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { testApp, type TestApp } from './harness-app.ts';

let t: TestApp;
beforeEach(async () => void (t = await testApp()));
afterEach(() => t.close());

const KEY = '8e03978e-40d5-43dd-bc93-6894a57f9324';
const post = (
  path: string,
  payload: object,
  key: string | undefined = KEY,
  role: 'admin' | 'operator' = 'admin',
) =>
  t.app.inject({
    method: 'POST',
    url: `/api/v1${path}`,
    headers: { ...t.as(role), ...(key !== undefined && { 'idempotency-key': key }) },
    payload,
  });
const tokens = async () => {
  const [row] = await t.database.db.execute(
    sql`select count(*)::integer as n from api_tokens where name = 'ci'`,
  );
  return row?.['n'];
};

it('the same key and the same request get the first answer again, and change things once', async () => {
  const [first, second] = [
    await post('/tokens', { name: 'ci', role: 'viewer' }),
    await post('/tokens', { name: 'ci', role: 'viewer' }),
  ];
  expect(first.statusCode).toBe(201);
  expect(second.statusCode).toBe(201);
  expect(second.json()).toEqual(first.json());
  expect(second.headers['content-type']).toBe(first.headers['content-type']);
  expect([first.headers['idempotent-replayed'], second.headers['idempotent-replayed']]).toEqual([
    undefined,
    'true',
  ]);
  expect(await tokens()).toBe(1);
});

it('the same key and another body or route is refused', async () => {
  await post('/tokens', { name: 'ci', role: 'viewer' });
  expect((await post('/tokens', { name: 'ci', role: 'admin' })).json().code).toBe('request.key-reused');
  expect((await post('/claim-tokens', {})).json().code).toBe('request.key-reused');
  expect(await tokens()).toBe(1);
});

it('many at once with one key change things once', async () => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => post('/tokens', { name: 'ci', role: 'viewer' })),
  );
  expect(await tokens()).toBe(1);
  for (const answer of answers)
    if (answer.statusCode !== 201) expect(answer.json().code).toBe('request.in-progress');
  expect(answers.some(({ statusCode }) => statusCode === 201)).toBe(true);
});

it('a refusal is an answer, too', async () => {
  const gone = () =>
    t.app.inject({
      method: 'DELETE',
      url: '/api/v1/people/nobody',
      headers: { ...t.as('admin'), 'idempotency-key': KEY },
    });
  expect((await gone()).json().code).toBe('request.not-found');
  const again = await gone();
  expect([again.statusCode, again.json().code, again.headers['idempotent-replayed']]).toEqual([
    404,
    'request.not-found',
    'true',
  ]);
});

it('is another’s key when another comes with it', async () => {
  const own = await post('/claim-tokens', {});
  const other = await post('/claim-tokens', {}, KEY, 'operator');
  expect(other.statusCode).toBe(201);
  expect(other.json().token).not.toBe(own.json().token);
});

it('that is none is refused, and reading needs none', async () => {
  for (const key of ['short', 'x'.repeat(201), 'with space in it'])
    expect((await post('/claim-tokens', {}, key)).json().code).toBe('request.invalid');
  const read = await t.app.inject({
    url: '/api/v1/me',
    headers: { ...t.as('viewer'), 'idempotency-key': 'x' },
  });
  expect(read.statusCode).toBe(200);
});

it('the database alone gives no answer away', async () => {
  const { token } = (await post('/tokens', { name: 'ci', role: 'admin' })).json();
  const [row] = await t.database.db.execute<{ all: string }>(
    sql`select json_agg(a)::text as all from answered_requests a`,
  );
  expect(row?.all).not.toContain(token);
  expect(row?.all).not.toContain(KEY);
});
