/** Secrets from the operator's request to the signed document: sealed to each device, in clear nowhere. */
import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_SECRET_BYTES, SignedDesired, type AppName, type DeviceId } from '@wafer/protocol';
import { openSecret, sealingKey } from '@wafer/protocol/sealing';
import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { drainOnce, sendDesired, sweepOnce } from '../src/rollouts/index.ts';
import { openVault, type Vault } from '../src/secrets/index.ts';
import { fleet, type Fleet } from './releases-fleet.ts';
import { folderForTest } from './harness.ts';

const APP = 'thermo' as AppName;
const VALUE = 'correct-horse-battery-staple';
const BASE64 = Buffer.from(VALUE).toString('base64');

let house: Fleet;
const lines: string[] = [];
beforeAll(async () => {
  house = await fleet({ log: pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }) });
  const grants = { clock: true, secrets: ['api-key', 'token'] };
  await house.publish('thermo', '1.0.0', undefined, { grants });
  for (const channel of ['stable', 'beta']) await house.move(channel, 'thermo', '1.0.0');
});
afterAll(() => house.close());

/** A device with a key, and what it can open of its last desired state. */
interface Board {
  readonly device: DeviceId;
  key: KeyObject;
}

async function certify(board: Board, key: KeyObject): Promise<void> {
  board.key = key;
  house.clock.advance(1000);
  await house.rows(sql`insert into certificates (serial, device, issued, expires, sealing_key)
    values (${randomUUID()}, ${board.device}, ${new Date(house.clock.now()).toISOString()}::timestamptz,
      now() + interval '45 days', ${sealingKey(key)})`);
}

const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

async function enrol(...channels: string[]): Promise<Board> {
  const board: Board = { device: await house.enrol(...channels), key: newKey() };
  await certify(board, board.key);
  await sendDesired(house.deps, board.device);
  return board;
}

const lastDocument = ({ device }: Board): SignedDesired =>
  SignedDesired.parse(house.bus.desiredOf(device).at(-1));

const sealedOf = (board: Board): Record<string, string> =>
  lastDocument(board).signed.apps.find(({ app }) => app === APP)?.secrets ?? {};

const opened = (board: Board): Record<string, string> =>
  Object.fromEntries(
    Object.entries(sealedOf(board)).map(([name, sealed]) => [
      name,
      Buffer.from(openSecret(sealed, board.key, { device: board.device, app: APP, name })).toString(),
    ]),
  );

const set = (name: string, body: object, app = 'thermo') =>
  house.call('PUT', `/apps/${app}/secrets/${name}`, body, { role: 'operator' });

const remove = async (name: string, channel?: string) =>
  house.app.inject({
    method: 'DELETE',
    url: `/api/v1/apps/thermo/secrets/${name}${channel === undefined ? '' : `?channel=${channel}`}`,
    headers: { authorization: house.as('operator') },
  });

/** What the vault is asked to seal for a board. */
async function assigned({ device }: Board): Promise<Parameters<Vault['seal']>[1][number]> {
  const [row] = await house.rows(
    sql`select device, app, recipient, secrets from assignments where device = ${device}`,
  );
  return row as unknown as Parameters<Vault['seal']>[1][number];
}

const drain = async (): Promise<void> => {
  while (await drainOnce(house.deps));
};

/** Every row of every table, as text. */
async function wholeDatabase(): Promise<string> {
  const tables = await house.rows<{ name: string }>(
    sql`select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables where schemaname = 'public'`,
  );
  const texts = [];
  for (const { name } of tables)
    texts.push(...(await house.rows<{ row: string }>(sql.raw(`select t::text as row from ${name} t`))));
  return texts.map(({ row }) => row).join('\n');
}

beforeEach(async () => {
  await house.rows(sql`delete from app_secrets`);
  await sweepOnce(house.deps);
  await drain();
});

describe('a value that is set', () => {
  test('reaches every device that was granted it, sealed to its own key, under a higher version', async () => {
    const [one, two] = [await enrol('stable'), await enrol('beta')];
    const before = lastDocument(one).signed;
    const answer = await set('api-key', { text: VALUE });
    expect(answer).toMatchObject({
      status: 200,
      body: { app: 'thermo', name: 'api-key', channel: null },
    });
    expect(answer.body.devices).toBeGreaterThanOrEqual(2);
    await drain();
    for (const board of [one, two]) expect(opened(board)).toEqual({ 'api-key': VALUE });
    expect(sealedOf(one)).not.toEqual(sealedOf(two));
    expect(() =>
      openSecret(sealedOf(one)['api-key']!, two.key, { device: two.device, app: APP, name: 'api-key' }),
    ).toThrow();
    expect(lastDocument(one).signed.version).toBe(before.version + 1);
    expect(lastDocument(one).signed.apps[0]?.version).toBe(before.apps[0]?.version);
    expect(lastDocument(one).signed.apps[0]?.execution).not.toBe(before.apps[0]?.execution);
  });

  test('is the same text however often, and by however many servers, the same version is sent', async () => {
    await set('api-key', { text: VALUE });
    const board = await enrol('stable');
    const first = lastDocument(board).signed;
    await house.rows(sql`update assignments set sealed = null where device = ${board.device}`);
    await Promise.all([1, 2, 3, 4].map(() => sendDesired(house.deps, board.device)));
    const texts = new Set(
      house.bus
        .desiredOf(board.device)
        .slice(1)
        .map(({ signed }) => JSON.stringify(signed.apps)),
    );
    expect(texts.size).toBe(1);
    expect(lastDocument(board).signed.version).toBe(first.version);
    expect(opened(board)).toEqual({ 'api-key': VALUE });
  });

  test('reaches only devices that run the app, and only under a granted name', async () => {
    const other = await enrol('elsewhere');
    const board = await enrol('stable');
    await set('not-granted', { text: VALUE });
    await drain();
    expect(sealedOf(board)).toEqual({});
    expect(house.bus.desiredOf(other.device)).toEqual([]);
  });

  test('may be bytes, and is bytes again on the device', async () => {
    const bytes = Buffer.from([0, 255, 128, 10, 13, 0]);
    const board = await enrol('stable');
    expect((await set('token', { base64: bytes.toString('base64') })).status).toBe(200);
    await drain();
    const place = { device: board.device, app: APP, name: 'token' };
    expect(Buffer.from(openSecret(sealedOf(board)['token']!, board.key, place))).toEqual(bytes);
  });

  test('for one channel counts before that of all', async () => {
    const [stable, beta] = [await enrol('stable'), await enrol('beta')];
    await set('api-key', { text: 'for everybody' });
    await set('api-key', { text: 'for beta alone', channel: 'beta' });
    await drain();
    expect([opened(stable), opened(beta)]).toEqual([
      { 'api-key': 'for everybody' },
      { 'api-key': 'for beta alone' },
    ]);
    const before = lastDocument(beta).signed.version;
    await set('api-key', { text: 'for everybody else' });
    await drain();
    expect([opened(stable), opened(beta)]).toEqual([
      { 'api-key': 'for everybody else' },
      { 'api-key': 'for beta alone' },
    ]);
    expect(lastDocument(beta).signed.version).toBe(before);
  });

  test('is taken away from devices when it is removed, back to that of all where there is one', async () => {
    const beta = await enrol('beta');
    await set('api-key', { text: 'for everybody' });
    await set('api-key', { text: 'for beta alone', channel: 'beta' });
    expect((await remove('api-key', 'beta')).statusCode).toBe(200);
    await drain();
    expect(opened(beta)).toEqual({ 'api-key': 'for everybody' });
    expect((await remove('api-key')).json()).toMatchObject({ name: 'api-key', channel: null });
    await drain();
    expect(sealedOf(beta)).toEqual({});
    expect((await remove('api-key')).json()).toMatchObject({ status: 404, code: 'secret.not-found' });
  });

  test('is sealed anew when the device has a new key', async () => {
    await set('api-key', { text: VALUE });
    const board = await enrol('stable');
    const before = { sealed: sealedOf(board), version: lastDocument(board).signed.version };
    await certify(board, newKey());
    await sendDesired(house.deps, board.device);
    expect(opened(board)).toEqual({ 'api-key': VALUE });
    expect(sealedOf(board)).not.toEqual(before.sealed);
    expect(lastDocument(board).signed.version).toBe(before.version + 1);
  });

  test('is left out where no key of the device is known, and comes once one is', async () => {
    await set('api-key', { text: VALUE });
    const board: Board = { device: await house.enrol('stable'), key: newKey() };
    await sendDesired(house.deps, board.device);
    expect(sealedOf(board)).toEqual({});
    await certify(board, board.key);
    await sendDesired(house.deps, board.device);
    expect(opened(board)).toEqual({ 'api-key': VALUE });
  });

  test('reaches a device that a statement at the same time missed, by the next sweep', async () => {
    const board = await enrol('stable');
    await set('api-key', { text: 'old value' });
    await drain();
    // As if an assignment had been written while the value was replaced.
    const [{ secrets, execution }] = (await house.rows(
      sql`select secrets, execution from assignments where device = ${board.device}`,
    )) as [{ secrets: object; execution: string }];
    await set('api-key', { text: 'new value' });
    await house.rows(sql`update assignments set secrets = ${JSON.stringify(secrets)}::jsonb, sealed = null,
      execution = ${execution} where device = ${board.device}`);
    const sent = house.bus.desiredOf(board.device).length;
    await drain();
    expect(house.bus.desiredOf(board.device)).toHaveLength(sent);
    await sweepOnce(house.deps);
    await drain();
    expect(opened(board)).toEqual({ 'api-key': 'new value' });
  });
});

describe('what is kept and told', () => {
  test('is never the value: not in Postgres, a log line, an audit event or an answer', async () => {
    const board = await enrol('stable');
    const answers = [
      await set('api-key', { text: VALUE }),
      await house.call('GET', '/apps/thermo/secrets', undefined, { role: 'viewer' }),
      await set('api-key', { text: VALUE, extra: 1 }),
      await set('api-key', { text: VALUE, base64: BASE64 }),
      await set('NOT A NAME', { text: VALUE }),
      await set('token', { text: VALUE.repeat(400) }),
      await set('token', { text: '€'.repeat(MAX_SECRET_BYTES / 2) + VALUE }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 422, 422, 422, 422, 413]);
    const malformed = await house.app.inject({
      method: 'PUT',
      url: '/api/v1/apps/thermo/secrets/api-key',
      headers: { authorization: house.as('operator'), 'content-type': 'application/json' },
      payload: `{"text": ${VALUE}}`,
    });
    expect(malformed.statusCode).toBe(400);
    await drain();
    expect(opened(board)).toEqual({ 'api-key': VALUE });
    expect(lines.join('')).toContain('a request was refused');
    const told = [...answers.map(({ body }) => JSON.stringify(body)), malformed.body, ...lines].join('\n');
    const hex = Buffer.from(VALUE).toString('hex');
    for (const text of [told, await wholeDatabase()])
      for (const form of [VALUE, BASE64.slice(0, -4), hex]) expect(text).not.toContain(form);
  });

  test('is who set which name and when', async () => {
    await set('token', { text: VALUE });
    await set('api-key', { text: VALUE, channel: 'beta' });
    const list = await house.call('GET', '/apps/thermo/secrets', undefined, { role: 'viewer' });
    const at = new Date(house.clock.now()).toISOString();
    const shared = { app: 'thermo', set: at, by: 'token:operator' };
    expect(list.body).toEqual({
      items: [
        { ...shared, name: 'api-key', channel: 'beta' },
        { ...shared, name: 'token', channel: null },
      ],
    });
    const audit = await house.rows(
      sql`select actor, action, subject, before, after from audit_events where action like 'secret.%' order by id desc limit 1`,
    );
    expect(audit).toEqual([
      {
        actor: 'token:operator',
        action: 'secret.set',
        subject: 'app:thermo',
        before: null,
        after: { name: 'api-key', channel: 'beta' },
      },
    ]);
  });

  test('is locked with a key of mode 0600 in the data folder, that another server’s key does not open', async () => {
    const folder = await folderForTest();
    const vault = await openVault(folder);
    expect((await stat(join(folder, 'secrets.key'))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(folder, 'secrets.key'), 'utf8')).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    const board = await enrol('stable');
    await set('api-key', { text: VALUE });
    const row = await assigned(board);
    expect(await vault.seal(house.deps, [row])).toEqual([{}]);
    const [own] = await house.deps.vault.seal(house.deps, [row]);
    expect(Object.keys(own ?? {})).toEqual(['api-key']);
  });

  test('opens in no other row: a value that somebody copies within the database is left out', async () => {
    const board = await enrol('stable');
    await set('api-key', { text: VALUE });
    await set('token', { text: 'another value' });
    await house.rows(sql`update app_secrets set locked =
      (select locked from app_secrets where name = 'api-key') where name = 'token'`);
    const [values] = await house.deps.vault.seal(house.deps, [await assigned(board)]);
    expect(Object.keys(values ?? {})).toEqual(['api-key']);
  });
});

describe('bounds', () => {
  test('an app has at most 16 names, and one that it has can be set again', async () => {
    for (let index = 0; index < 16; index += 1)
      expect((await set(`name-${index}`, { text: VALUE }, 'full')).status).toBe(200);
    expect((await set('name-16', { text: VALUE }, 'full')).body).toMatchObject({ code: 'secret.too-many' });
    expect((await set('name-3', { text: 'again' }, 'full')).status).toBe(200);
    expect((await set('name-3', { text: 'again', channel: 'beta' }, 'full')).status).toBe(200);
  });

  test('the values of an app have at most 16 KiB together', async () => {
    const large = { text: 'x'.repeat(MAX_SECRET_BYTES) };
    for (let index = 0; index < 4; index += 1)
      expect((await set(`name-${index}`, large, 'heavy')).status).toBe(200);
    expect((await set('name-4', { text: 'y' }, 'heavy')).body).toMatchObject({ code: 'secret.too-large' });
  });

  test('changes at the same time all count', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `name-${index}`);
    const answers = await Promise.all(names.map((name) => set(name, { text: VALUE }, 'busy')));
    expect(answers.map(({ status }) => status)).toEqual(names.map(() => 200));
    expect((await house.call('GET', '/apps/busy/secrets')).body.items).toHaveLength(8);
  });

  test('the routes are in the description of the API', async () => {
    const { body } = await house.call('GET', '/openapi.json');
    expect(Object.keys(body.paths['/api/v1/apps/{app}/secrets/{name}'])).toEqual(['put', 'delete']);
    expect(Object.keys(body.paths['/api/v1/apps/{app}/secrets'])).toContain('get');
  });

  test('a viewer may set and remove nothing, and a stranger may not even look', async () => {
    const asViewer = await house.call(
      'PUT',
      '/apps/thermo/secrets/token',
      { text: VALUE },
      { role: 'viewer' },
    );
    expect(asViewer).toMatchObject({ status: 403, body: { code: 'auth.forbidden' } });
    expect((await house.call('GET', '/apps/thermo/secrets', undefined, { role: 'nobody' })).status).toBe(401);
  });
});
