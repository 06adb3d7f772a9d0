import type { DeviceDetail, DeviceEvent, DeviceId, DeviceSummary, Hello } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listDevices, readDevice } from '../src/devices/queries.ts';
import { recordRestart } from '../src/devices/store.ts';
import { sweepSilent } from '../src/devices/index.ts';
import { EXECUTION, Fleet, TestDevice, fault, hello } from './mqtt-fleet.ts';
import { newDeviceId } from './mqtt-certificates.ts';
import { SOON, Collected, next } from './mqtt-link.ts';

let fleet: Fleet;
let greeted: Collected<{ device: DeviceId; hello: Hello; name: string }>;
let answer: () => Promise<void>;
beforeEach(async () => {
  greeted = new Collected();
  answer = async () => undefined;
  fleet = await Fleet.open(async (device, said) => {
    const { name } = await detail(device);
    await answer();
    await greeted.add({ device, hello: said, name });
  });
});
afterEach(() => fleet.close());

const get = async <T>(url: string): Promise<T> => {
  const response = await fleet.app.inject(url);
  expect([response.statusCode, response.body]).toEqual([200, response.body]);
  return response.json<T>();
};
const detail = (id: DeviceId): Promise<DeviceDetail> => get(`/devices/${id}`);
const list = (query = ''): Promise<{ items: DeviceSummary[]; next?: string }> => get(`/devices${query}`);
const kinds = async (id: DeviceId): Promise<string[]> => (await fleet.timeline(id)).map(({ kind }) => kind);

const online = async (id?: DeviceId): Promise<TestDevice> => {
  const device = await TestDevice.connect(fleet, id ?? (await fleet.enrol()));
  const before = greeted.items.length;
  await device.send('hello', hello());
  await greeted.at(before + 1);
  return device;
};

describe('a hello', () => {
  it('makes the device online, known and named, and is then answered', async () => {
    const device = await online();
    expect(greeted.items).toEqual([{ device: device.id, hello: hello(), name: 'greenhouse' }]);
    const seen = await detail(device.id);
    expect(seen).toMatchObject({
      id: device.id,
      name: 'greenhouse',
      arch: 'riscv64',
      online: true,
      health: 'unknown',
      inventory: { board: 'a board', node: 'v24.15.0' },
      latest: null,
    });
    expect(seen.lastSeen).toBe(new Date(fleet.clock.now()).toISOString());
    expect(await fleet.timeline(device.id)).toEqual([
      { kind: 'online', state: null, text: 'Online with agent 0.1.0 on riscv64' },
    ]);
    expect(fleet.hints).toContainEqual({ type: 'device', device: device.id });
  });

  it('does not take away a name that somebody gave', async () => {
    const id = await fleet.enrol({ name: 'north wall' });
    await online(id);
    expect((await detail(id)).name).toBe('north wall');
  });

  it('of a device that is online already is no line in the timeline, but is answered', async () => {
    const device = await online();
    await device.send('hello', hello());
    await greeted.at(2);
    expect(await kinds(device.id)).toEqual(['online']);
  });

  it('of a device that is unknown or revoked ends the connection', async () => {
    const revoked = await fleet.enrol();
    await fleet.rows(sql`update devices set revoked = now() where id = ${revoked}`);
    for (const id of [newDeviceId(), revoked]) {
      const device = await TestDevice.connect(fleet, id);
      const gone = next(device.client, 'close');
      await device.send('hello', hello());
      await gone;
    }
    expect(greeted.items).toEqual([]);
  });

  it('that could not be answered for the database ends the connection, so that it is said again', async () => {
    const id = await fleet.enrol();
    const device = await TestDevice.connect(fleet, id);
    const gone = next(device.client, 'close');
    answer = () => Promise.reject(Object.assign(new Error('away'), { code: 'CONNECTION_CLOSED' }));
    await device.send('hello', hello());
    await gone;
    answer = async () => undefined;
    await online(id);
    expect(greeted.items).toHaveLength(1);
  });

  it('that could not be answered for another reason does not make the device connect for ever', async () => {
    const device = await TestDevice.connect(fleet, await fleet.enrol());
    answer = () => Promise.reject(new Error('a mistake'));
    await device.send('hello', hello());
    await expect.poll(() => fleet.link.bus.counts(), SOON).toEqual({ 'hello-failed': 1 });
    expect(device.client.connected).toBe(true);
  });
});

describe('a device goes offline', () => {
  it('when its connection ends, once', async () => {
    const device = await online();
    device.client.stream.destroy();
    await expect.poll(async () => (await detail(device.id)).online, SOON).toBe(false);
    expect((await detail(device.id)).health).toBe('offline');
    await online(device.id);
    expect(await kinds(device.id)).toEqual(['online', 'offline', 'online']);
  });

  it('when it says goodbye, before its connection ends', async () => {
    const device = await online();
    await device.client.publishAsync(`wafer/v1/d/${device.id}/presence`, '{"online":false}', { qos: 1 });
    await expect.poll(async () => (await detail(device.id)).online, SOON).toBe(false);
    await device.client.endAsync();
    await online(device.id);
    expect(await kinds(device.id)).toEqual(['online', 'offline', 'online']);
  });

  it('after 45 seconds of silence, connected or not, and not before', async () => {
    const [silent, heard] = [await online(), await online()];
    fleet.clock.advance(40_000);
    await heard.report(1, fault());
    await heard.acks.at(1);
    fleet.clock.advance(5000);
    await sweepSilent(fleet.deps);
    expect((await detail(silent.id)).online).toBe(true);
    fleet.clock.advance(1);
    await sweepSilent(fleet.deps);
    await sweepSilent(fleet.deps);
    expect((await detail(silent.id)).online).toBe(false);
    expect((await detail(heard.id)).online).toBe(true);
    expect((await fleet.timeline(silent.id)).slice(1)).toEqual([
      { kind: 'offline', state: null, text: 'Offline: not heard for 45 seconds' },
    ]);
  });

  it('when the server starts again, until it is heard', async () => {
    const [gone, connected] = [await online(), await online()];
    await recordRestart(fleet.database.db, [connected.id], fleet.clock.now());
    expect((await detail(gone.id)).online).toBe(false);
    expect((await detail(connected.id)).online).toBe(true);
    expect((await fleet.timeline(gone.id)).at(-1)?.text).toBe('Offline: the server was restarted');
  });

  it('but not when a newer connection took the place of the one that ended', async () => {
    const device = await online();
    const gone = next(device.client, 'close');
    const again = await online(device.id);
    await gone;
    await again.report(1, fault());
    await again.acks.at(1);
    expect(await kinds(device.id)).toEqual(['online', 'fault']);
    expect((await detail(device.id)).online).toBe(true);
  });
});

describe('GET /devices', () => {
  it('pages through all devices by id, each once', async () => {
    const ids = await Promise.all(Array.from({ length: 7 }, () => fleet.enrol()));
    const seen: DeviceId[] = [];
    let cursor = '';
    do {
      const page = await list(`?limit=3${cursor && `&cursor=${cursor}`}`);
      expect(page.items.length).toBeLessThanOrEqual(3);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next ?? '';
    } while (cursor !== '');
    expect(seen).toEqual(ids.toSorted());
  });

  it('finds by name, group and tag, literally', async () => {
    const [wall, roof] = [
      await fleet.enrol({ name: 'North wall', group: 'barn' }),
      await fleet.enrol({ name: '100%_roof', tags: { site: 'Lund' } }),
    ];
    await fleet.enrol({ name: '100 roofs' });
    const found = async (q: string): Promise<DeviceId[]> =>
      (await list(`?q=${encodeURIComponent(q)}`)).items.map(({ id }) => id);
    expect(await found('north')).toEqual([wall]);
    expect(await found('BARN')).toEqual([wall]);
    expect(await found('site=lund')).toEqual([roof]);
    expect(await found('100%_')).toEqual([roof]);
    expect(await found(roof.slice(2))).toEqual([roof]);
    expect(await found("'; drop table devices; --")).toEqual([]);
  });

  it('filters by online, and leaves out revoked devices', async () => {
    const device = await online();
    const offline = await fleet.enrol();
    const revoked = await fleet.enrol();
    await fleet.rows(sql`update devices set revoked = now() where id = ${revoked}`);
    const ids = async (query: string): Promise<DeviceId[]> => (await list(query)).items.map(({ id }) => id);
    expect(await ids('?online=true')).toEqual([device.id]);
    expect(await ids('?online=false')).toEqual([offline]);
    expect((await ids('')).toSorted()).toEqual([device.id, offline].toSorted());
  });

  it('filters by a group, a static or a dynamic one', async () => {
    const [here] = [await fleet.enrol({ group: 'barn', tags: { site: 'Lund' } }), await fleet.enrol()];
    await fleet.rows(sql`
      insert into groups (name, kind, query, description, created, created_by, updated, revision)
      values ('barn', 'static', null, '', now(), 'x', now(), 1),
        ('in Lund', 'dynamic', 'tag.site = Lund', '', now(), 'x', now(), 1)`);
    for (const group of ['barn', 'in%20Lund'])
      expect((await list(`?group=${group}`)).items.map(({ id }) => id)).toEqual([here]);
    expect((await list('?group=barn&online=true')).items).toEqual([]);
    expect((await fleet.app.inject('/devices?group=none')).json()).toMatchObject({ code: 'group.not-found' });
  });

  it.each(['?limit=0', '?limit=1000', '?cursor=%27', '?cursor=d-x', '?online=maybe'])(
    'refuses %s',
    async (query) => {
      const response = await fleet.app.inject(`/devices${query}`);
      expect(response.statusCode).toBe(422);
      expect(response.json()).toMatchObject({ code: 'request.invalid' });
    },
  );

  it('joins apps, what they should be and the latest execution, in as many queries for fifty devices as for one', async () => {
    const ids = await Promise.all(Array.from({ length: 50 }, () => fleet.enrol()));
    const device = ids.toSorted()[10] as DeviceId;
    await fleet.rows(
      sql`insert into device_apps select ${device}, 'thermo', '1.1.0', repeat('a', 64), 'running', now()`,
    );
    await fleet.rows(sql`insert into executions (id, device, app, version, state, created, updated) values
      (${EXECUTION}, ${device}, 'thermo', '1.1.0', 'SUCCEEDED', now() - interval '1 hour', now()),
      (gen_random_uuid(), ${device}, 'thermo', '1.2.0', 'ROLLED_BACK', now(), now())`);
    await fleet.rows(
      sql`insert into assignments values (${device}, 'thermo', 'stable', '1.2.0', ${EXECUTION}, '{"clock":true}', '{}', '{}', '{}', '{}')`,
    );
    let queries = 0;
    const client = postgres(fleet.database.url, {
      max: 3,
      debug: (_connection, query) => {
        if (!query.includes('pg_catalog')) queries += 1;
      },
    });
    const db = drizzle(client);
    const found = await listDevices(db, {}, 51);
    const needed = queries;
    queries = 0;
    await listDevices(db, {}, 1);
    expect(needed).toBe(queries);
    expect(needed).toBeLessThanOrEqual(4);
    expect(found).toHaveLength(50);
    expect(found.find(({ id }) => id === device)?.apps).toMatchObject([
      {
        app: 'thermo',
        running: { version: '1.1.0', state: 'running' },
        desired: { version: '1.2.0', channel: 'stable', grants: { clock: true } },
        execution: { version: '1.2.0', state: 'ROLLED_BACK' },
      },
    ]);
    expect(await readDevice(db, device)).toMatchObject({ id: device, messages: [] });
    await client.end();
  });
});

it('GET /devices/:id/events pages through the timeline, newest first', async () => {
  const device = await online();
  for (let number = 1; number <= 5; number += 1) await device.report(number, fault(`${number}`));
  await expect.poll(() => device.acks.items.at(-1), SOON).toBe(5);
  const first = await get<{ items: DeviceEvent[]; next?: string }>(`/devices/${device.id}/events?limit=4`);
  const second = await get<{ items: DeviceEvent[]; next?: string }>(
    `/devices/${device.id}/events?limit=4&cursor=${first.next}`,
  );
  expect([...first.items, ...second.items].map(({ text }) => text.at(-1))).toEqual([
    '5',
    '4',
    '3',
    '2',
    '1',
    '4',
  ]);
  expect(first.items[0]).toMatchObject({
    kind: 'fault',
    app: 'thermo',
    version: '1.0.0',
    fault: { kind: 'trap', message: '5' },
    state: null,
  });
  expect(second.next).toBeUndefined();
});

it('GET /devices/:id/events says what was denied', async () => {
  const device = await online();
  const denied = { kind: 'capability-denied', message: 'no grant covers it', subject: 'filesystem /data/x' };
  await device.report(1, { ...fault(), fault: denied, count: 7 });
  await expect.poll(() => device.acks.items.at(-1), SOON).toBe(1);
  const { items } = await get<{ items: DeviceEvent[] }>(`/devices/${device.id}/events?limit=1`);
  expect(items[0]?.fault).toEqual(denied);
});

describe('PATCH /devices/:id', () => {
  const patch = (id: string, payload: object) =>
    fleet.app.inject({ method: 'PATCH', url: `/devices/${id}`, payload });

  it('names and tags, and is audited with before and after', async () => {
    const id = await fleet.enrol({ name: 'old', tags: { site: 'Lund' } });
    const response = await patch(id, { name: ' new ' });
    expect(response.json()).toMatchObject({ id, name: 'new', tags: { site: 'Lund' } });
    await patch(id, { tags: { row: '4' } });
    expect((await detail(id)).tags).toEqual({ row: '4' });
    const [first] = await fleet.rows(
      sql`select actor, action, subject, before, after from audit_events order by id`,
    );
    expect(first).toEqual({
      actor: 'token:someone',
      action: 'device.changed',
      subject: id,
      before: { name: 'old', tags: { site: 'Lund' } },
      after: { name: 'new', tags: { site: 'Lund' } },
    });
  });

  it.each([{ name: '' }, { name: 'x'.repeat(101) }, { tags: { x: 1 } }, { channels: ['beta'] }, []])(
    'refuses %j',
    async (payload) => {
      const id = await fleet.enrol();
      expect((await patch(id, payload)).json()).toMatchObject({ status: 422, code: 'request.invalid' });
      expect(await fleet.rows(sql`select 1 from audit_events`)).toEqual([]);
    },
  );

  it('is refused to viewers', async () => {
    const id = await fleet.enrol();
    fleet.role = 'viewer';
    expect((await patch(id, { name: 'x' })).json()).toMatchObject({ code: 'auth.forbidden' });
  });
});

it.each([
  'GET /devices/ID',
  'GET /devices/ID/events',
  'PATCH /devices/ID',
  'GET /devices/ID/health',
  'GET /devices/ID/logs',
])('%s of a device that does not exist is a problem with a code', async (route) => {
  const [method, path] = route.split(' ') as ['GET' | 'PATCH', string];
  const ask = (id: string) =>
    fleet.app.inject({
      method,
      url: path.replace('ID', id),
      ...(method === 'PATCH' && { payload: { name: 'x' } }),
    });
  expect((await ask(newDeviceId())).json()).toMatchObject({ status: 404, code: 'device.not-found' });
  expect((await ask('__proto__')).json()).toMatchObject({ status: 422, code: 'request.invalid' });
});
