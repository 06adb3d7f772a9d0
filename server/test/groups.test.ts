/** Groups through the API, and what rollouts and claim tokens do with them. */
import { printQuery, TokenScope, type DeviceId, type GroupView, type RolloutView } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SERVER_ACTOR } from '../src/audit/index.ts';
import { createToken } from '../src/identity/index.ts';
import { enrolDevice, insertClaim } from '../src/identity/store.ts';
import { tickOnce } from '../src/rollouts/engine/index.ts';
import { queryOf } from './groups-oracle.ts';
import { fleet, newDeviceId, type Fleet } from './releases-fleet.ts';

let house: Fleet;
beforeAll(async () => {
  house = await fleet();
  await house.publish('thermo', '1.0.0');
  await house.publish('thermo', '1.1.0');
});
afterAll(() => house.close());

const call = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown, headers = {}) =>
  house.call(method, path, body, { role: 'operator', headers });
const create = (group: object) => call('POST', '/groups', group);
const query = (name: string, text: string) => create({ kind: 'dynamic', name, query: text });
const list = (name: string) => create({ kind: 'static', name });
const members = async (name: string): Promise<DeviceId[]> =>
  (await call('GET', `/groups/${encodeURIComponent(name)}/devices?limit=200`)).body.items.map(
    ({ id }: { id: DeviceId }) => id,
  );
const change = (name: string, body: object, headers = {}) =>
  call('POST', `/groups/${encodeURIComponent(name)}/devices`, body, headers);
const enrol = (channel: string, count: number): Promise<DeviceId[]> =>
  Promise.all(Array.from({ length: count }, () => house.enrol(channel)));
const tag = (devices: readonly DeviceId[], tags: Record<string, string>) =>
  Promise.all(
    devices.map((id) =>
      house.rows(sql`update devices set tags = ${JSON.stringify(tags)}::jsonb where id = ${id}`),
    ),
  );
const audited = (subject: string) =>
  house.rows<{ action: string; actor: string; before: unknown; after: unknown }>(
    sql`select action, actor, before, after from audit_events where subject = ${subject} order by id`,
  );
const revoke = (id: DeviceId) => house.rows(sql`update devices set revoked = now() where id = ${id}`);

describe('a dynamic group', () => {
  test('is made, shown with its count, changed and deleted, each on record', async () => {
    const [here] = await enrol('a', 2);
    await tag([here!], { site: 'graz' });
    const made = await query('In Graz', ' tag.site  =  graz ');
    expect(made).toMatchObject({
      status: 201,
      headers: { etag: '"1"' },
      body: {
        kind: 'dynamic',
        name: 'In Graz',
        query: 'tag.site = graz',
        devices: 1,
        revision: 1,
        description: '',
      },
    });
    expect(await members('In Graz')).toEqual([here]);
    expect((await call('GET', '/groups/In%20Graz')).body).toEqual(made.body);

    const edited = await call('PATCH', '/groups/In%20Graz', {
      query: 'tag.site != graz',
      description: 'elsewhere',
    });
    expect(edited).toMatchObject({
      status: 200,
      headers: { etag: '"2"' },
      body: { query: 'tag.site != graz', description: 'elsewhere', revision: 2 },
    });
    expect(await members('In Graz')).not.toContain(here);

    expect(await call('DELETE', '/groups/In%20Graz')).toMatchObject({ status: 204 });
    expect(await call('GET', '/groups/In%20Graz')).toMatchObject({
      status: 404,
      body: { code: 'group.not-found' },
    });
    expect(await audited('group:In Graz')).toMatchObject([
      {
        action: 'group.created',
        actor: 'token:operator',
        after: { kind: 'dynamic', query: 'tag.site = graz' },
      },
      { action: 'group.changed', before: { query: 'tag.site = graz' }, after: { query: 'tag.site != graz' } },
      { action: 'group.deleted', before: { kind: 'dynamic' }, after: null },
    ]);
    expect(house.live).toContainEqual({ type: 'group', group: 'In Graz' });
  });

  test('is refused with the column of what cannot be read', async () => {
    for (const answer of [
      await query('bad', 'online and site = x'),
      await call('POST', '/groups/preview', { query: 'online and site = x' }),
    ])
      expect(answer).toMatchObject({ status: 422, body: { code: 'group.query-invalid' } });
    expect((await query('bad', 'online and site = x')).body.detail).toMatch(
      /^Column 12: "site" is no field\./,
    );
    expect(await call('GET', '/groups/bad')).toMatchObject({ status: 404 });
  });

  test('cannot be asked for by another query, so none asks for itself', async () => {
    await query('loop', 'online');
    const refused = { status: 422, body: { code: 'group.query-invalid' } };
    expect(await query('other', 'group = loop')).toMatchObject(refused);
    expect(await call('PATCH', '/groups/loop', { query: 'online or group in (x, loop)' })).toMatchObject(
      refused,
    );
  });

  test('takes no list of devices', async () => {
    const [device] = await enrol('a', 1);
    await query('asks', 'offline');
    expect(await change('asks', { add: [device] })).toMatchObject({
      status: 409,
      body: { code: 'group.kind' },
    });
  });

  test('is previewed unsaved: how many, of which architecture, and the first twenty', async () => {
    const devices = (await enrol('p', 25)).toSorted();
    await house.rows(sql`update devices set arch = 'riscv64' where id = ${devices[3]}`);
    const { status, body } = await call('POST', '/groups/preview', { query: 'channel = p' });
    expect([status, body.devices, body.architectures]).toEqual([200, 25, { x64: 24, riscv64: 1 }]);
    expect(body.first.map(({ id }: { id: string }) => id)).toEqual(devices.slice(0, 20));
    expect(body.first[3]).toMatchObject({ arch: 'riscv64', online: false, lastSeen: null });
    const nobody = await call('POST', '/groups/preview', { query: 'channel = nobody' });
    expect(nobody.body).toEqual({ devices: 0, architectures: {}, first: [] });
  });

  test('holds what an attacker typed as text, never as SQL', async () => {
    const [device] = await enrol('a', 1);
    const evil = `x' or 1=1; drop table devices; --`;
    await tag([device!], { [evil]: evil });
    const text = printQuery({
      kind: 'or',
      of: [
        { kind: 'tag', key: evil, op: '=', values: [evil] },
        { kind: 'text', field: 'name', op: '~', values: [evil] },
      ],
    });
    expect((await call('POST', '/groups/preview', { query: text })).body.devices).toBe(1);
    await query(evil, text);
    expect(await members(evil)).toEqual([device]);
  });
});

describe('a static group', () => {
  test('takes and gives devices, all or nothing, and a device is in one at a time', async () => {
    const [one, two, three] = await enrol('s', 3);
    await list('left');
    await list('right');
    expect((await change('left', { add: [one, two, two] })).body).toEqual({ added: 2, removed: 0 });
    expect((await change('left', { add: [two, three], remove: [one] })).body).toEqual({
      added: 1,
      removed: 1,
    });
    expect((await change('right', { add: [two], remove: [three] })).body).toEqual({ added: 1, removed: 0 });
    expect([await members('left'), await members('right')]).toEqual([[three], [two]]);
    expect((await call('GET', '/groups/left')).body).toMatchObject({
      kind: 'static',
      devices: 1,
      revision: 3,
    });

    const stranger = newDeviceId();
    expect(await change('left', { add: [one, stranger] })).toMatchObject({
      status: 404,
      body: { code: 'device.not-found', detail: `There is no device ${stranger}.` },
    });
    expect(await members('left')).toEqual([three]);
    expect(await audited('group:left')).toMatchObject([
      { action: 'group.created' },
      { action: 'group.members-changed', after: { removed: [] } },
      { action: 'group.members-changed', after: { added: [three], removed: [one] } },
    ]);
    expect(house.live).toContainEqual({ type: 'device', device: one });
  });

  test('that is asked to be what it is changes nothing and is not on record', async () => {
    const [device] = await enrol('s', 1);
    await list('same');
    await change('same', { add: [device] });
    expect((await change('same', { add: [device] })).body).toEqual({ added: 0, removed: 0 });
    expect((await call('GET', '/groups/same')).headers['etag']).toBe('"2"');
    expect(await audited('group:same')).toHaveLength(2);
  });

  test('has no query', async () => {
    await list('plain');
    expect(await call('PATCH', '/groups/plain', { query: 'online' })).toMatchObject({
      status: 409,
      body: { code: 'group.kind' },
    });
    expect((await call('PATCH', '/groups/plain', { description: 'the first ten' })).body).toMatchObject({
      kind: 'static',
      description: 'the first ten',
    });
  });

  test('that is deleted leaves its devices in none', async () => {
    const [device] = await enrol('s', 1);
    await list('brief');
    await change('brief', { add: [device] });
    await call('DELETE', '/groups/brief');
    expect(await house.rows(sql`select group_name from devices where id = ${device}`)).toEqual([
      { group_name: null },
    ]);
  });

  test('holds no revoked device', async () => {
    const [one, two] = await enrol('s', 2);
    await list('thinned');
    await change('thinned', { add: [one, two] });
    await revoke(one!);
    expect(await members('thinned')).toEqual([two]);
    expect(await change('thinned', { remove: [one] })).toMatchObject({
      status: 404,
      body: { code: 'device.not-found' },
    });
  });
});

describe('groups', () => {
  test('share one namespace', async () => {
    await list('taken');
    expect(await query('taken', 'online')).toMatchObject({ status: 409, body: { code: 'group.exists' } });
  });

  test.each(['', ' ', '..', 'a\u0000b', 'x'.repeat(101)])('refuse the name %j', async (name) => {
    expect(await list(name)).toMatchObject({ status: 422, body: { code: 'request.invalid' } });
  });

  test('of any other name are found by it', async () => {
    const name = 'Halle 3/4 – “Süd” 100%?#';
    expect(await list(name)).toMatchObject({ status: 201 });
    expect((await call('GET', `/groups/${encodeURIComponent(name)}`)).body).toMatchObject({
      name,
      devices: 0,
    });
  });

  test('are listed by name, page by page, or those of one device', async () => {
    const [device] = await enrol('listed', 1);
    await list('z-static');
    await query('z-dynamic', 'channel = listed');
    await query('z-other', 'not channel = listed and cores > 1000');
    await change('z-static', { add: [device] });
    const names: string[] = [];
    for (let cursor: string | undefined; ;) {
      const { body } = await call(
        'GET',
        `/groups?limit=3${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      names.push(...body.items.map(({ name }: GroupView) => name));
      cursor = body.next;
      if (cursor === undefined) break;
    }
    expect(names).toContain('z-other');
    expect(new Set(names).size).toBe(names.length);
    const mine = await call('GET', `/groups?device=${device}`);
    expect(mine.body.items.map(({ name, devices }: GroupView) => [name, devices])).toEqual(
      expect.arrayContaining([
        ['z-dynamic', 1],
        ['z-static', 1],
      ]),
    );
    expect(mine.body.items.map(({ name }: GroupView) => name)).not.toContain('z-other');
  });

  test('are changed by whoever is first; the other is told', async () => {
    await query('race', 'online');
    const edit = (description: string) =>
      call('PATCH', '/groups/race', { description }, { 'if-match': '"1"' });
    const answers = await Promise.all([edit('a'), edit('b')]);
    expect(answers.map(({ status }) => `${status}`).toSorted()).toEqual(['200', '412']);
    expect(await call('DELETE', '/groups/race', undefined, { 'if-match': '"1"' })).toMatchObject({
      status: 412,
      body: { code: 'request.precondition-failed' },
    });
    expect(await call('DELETE', '/groups/race', undefined, { 'if-match': '"2"' })).toMatchObject({
      status: 204,
    });
  });
});

describe('a claim token', () => {
  const actor = { audit: 'user:x', source: null };
  const claim = (group: string | undefined) => {
    const id = crypto.randomUUID();
    const made = {
      name: undefined,
      id,
      secretHash: id,
      uses: 5,
      expires: house.clock.now() + 60_000,
      channels: [],
      group,
      tags: {},
    };
    return insertClaim(house.deps.db, made, actor, house.clock.now()).then(() => id);
  };
  const board = async (secret: string): Promise<string | null> => {
    const device = newDeviceId();
    const certificate = {
      serial: device,
      issued: new Date(),
      expires: new Date(),
      certificate: '',
      sealingKey: '',
    };
    const made = { device, name: 'x', arch: 'x64', certificate, source: '::1' };
    expect(await enrolDevice(house.deps.db, secret, made as never, house.clock.now())).toBe(true);
    const [row] = await house.rows<{ group_name: string | null }>(
      sql`select group_name from devices where id = ${device}`,
    );
    return row?.group_name ?? null;
  };

  test('makes the static group that it names, once, and puts boards into it', async () => {
    const secret = await claim('nursery');
    await claim('nursery');
    expect((await call('GET', '/groups/nursery')).body).toMatchObject({
      kind: 'static',
      createdBy: 'user:x',
    });
    expect(await audited('group:nursery')).toHaveLength(1);
    expect(await board(secret)).toBe('nursery');
    expect(await members('nursery')).toHaveLength(1);
  });

  test('makes it again when it was deleted meanwhile', async () => {
    const secret = await claim('phoenix');
    await call('DELETE', '/groups/phoenix');
    expect(await board(secret)).toBe('phoenix');
    expect((await call('GET', '/groups/phoenix')).body).toMatchObject({ kind: 'static', devices: 1 });
  });

  test('cannot put a board into a dynamic group, also if that came later', async () => {
    await query('asked', 'online');
    await expect(claim('asked')).rejects.toMatchObject({ code: 'group.kind' });
    const secret = await claim('later');
    await call('DELETE', '/groups/later');
    await query('later', 'online');
    expect(await board(secret)).toBeNull();
  });

  test('without a group makes none', async () => {
    expect(await board(await claim(undefined))).toBeNull();
  });
});

describe('a rollout', () => {
  const rollout = (channel: string, more: object) => ({
    name: channel,
    channel,
    targets: [{ app: 'thermo', version: '1.1.0' }],
    ...more,
  });
  const inRollout = async ({ id }: RolloutView): Promise<DeviceId[]> =>
    (await call('GET', `/rollouts/${id}/devices?limit=200`)).body.items.map(
      ({ device }: { device: DeviceId }) => device,
    );
  const waves = (group: string) => [{ devices: { of: 'group', group } }, { devices: { of: 'rest' } }];

  test('goes to the members of a dynamic group, or to them first', async () => {
    const devices = await enrol('west', 6);
    await house.move('west', 'thermo', '1.0.0');
    await tag(devices.slice(0, 2), { floor: '1' });
    await query('first floor', 'tag.floor = 1');
    const some = await call(
      'POST',
      '/rollouts/preview',
      rollout('west', { among: { group: 'first floor' } }),
    );
    expect(some.body.waves[0].first.toSorted()).toEqual(devices.slice(0, 2).toSorted());
    const first = await call('POST', '/rollouts/preview', rollout('west', { waves: waves('first floor') }));
    expect(first.body.waves.map(({ devices: count }: { devices: number }) => count)).toEqual([2, 4]);
    expect(first.body.waves[0].first.toSorted()).toEqual(devices.slice(0, 2).toSorted());
  });

  test('that names two groups which share a device takes it in the first', async () => {
    const devices = await enrol('both', 3);
    await house.move('both', 'thermo', '1.0.0');
    await tag(devices.slice(0, 2), { canary: 'yes' });
    await query('canaries', 'tag.canary');
    await list('bench');
    await change('bench', { add: devices.slice(1) });
    const { body } = await call(
      'POST',
      '/rollouts/preview',
      rollout('both', {
        waves: [{ devices: { of: 'group', group: 'canaries' } }, ...waves('bench')],
      }),
    );
    expect(body.waves.map(({ devices: count }: { devices: number }) => count)).toEqual([2, 1, 0]);
  });

  test('of a group that is not there is refused', async () => {
    await enrol('none', 1);
    await house.move('none', 'thermo', '1.0.0');
    for (const more of [{ among: { group: 'nowhere' } }, { waves: waves('nowhere') }])
      expect(await call('POST', '/rollouts', rollout('none', more))).toMatchObject({
        status: 404,
        body: { code: 'group.not-found' },
      });
  });

  test('keeps its members when the group empties or doubles meanwhile', async () => {
    const devices = await enrol('moving', 4);
    await house.move('moving', 'thermo', '1.0.0');
    await tag(devices.slice(0, 2), { wing: 'a' });
    await query('wing a', 'tag.wing = a');
    const spec = rollout('moving', { among: { group: 'wing a' } });
    const made = (await call('POST', '/rollouts', spec)).body as RolloutView;
    await call('POST', `/rollouts/${made.id}/start`, {});
    const before = await inRollout(made);
    expect(before.toSorted()).toEqual(devices.slice(0, 2).toSorted());

    await tag(devices, { wing: 'a' });
    await tickOnce(house.deps);
    expect(await inRollout(made)).toEqual(before);
    await tag(devices, {});
    await tickOnce(house.deps);
    expect(await inRollout(made)).toEqual(before);
    const asked = await house.rows<{ device: DeviceId }>(
      sql`select device from assignments where version = '1.1.0' and device = any(array(
        select jsonb_array_elements_text(${JSON.stringify(devices)}::jsonb)))`,
    );
    expect(asked.map(({ device }) => device).toSorted()).toEqual(before.toSorted());
  });

  test('is not made of other devices than its preview showed', async () => {
    const devices = await enrol('shown', 3);
    await house.move('shown', 'thermo', '1.0.0');
    await tag(devices.slice(0, 1), { lab: 'x' });
    await query('labs', 'tag.lab');
    const spec = rollout('shown', { among: { group: 'labs' } });
    const { fingerprint } = (await call('POST', '/rollouts/preview', spec)).body;
    await tag(devices, { lab: 'x' });
    expect(await call('POST', '/rollouts', { ...spec, fingerprint })).toMatchObject({
      status: 409,
      body: { code: 'rollout.changed' },
    });
  });

  test('keeps the groups that it names from being deleted until it has ended', async () => {
    const devices = await enrol('kept', 2);
    await house.move('kept', 'thermo', '1.0.0');
    await list('kept');
    await query('kept too', 'channel = kept');
    await change('kept', { add: devices });
    const spec = rollout('kept', { among: { group: 'kept' }, waves: waves('kept too') });
    const made = (await call('POST', '/rollouts', spec)).body as RolloutView;
    for (const name of ['kept', 'kept too'])
      expect(await call('DELETE', `/groups/${encodeURIComponent(name)}`)).toMatchObject({
        status: 409,
        body: {
          code: 'group.in-use',
          detail: `${name} is named by rollout ${made.number} (kept): abort it or wait for its end.`,
        },
      });
    expect(await members('kept')).toHaveLength(2);
    await call('POST', `/rollouts/${made.id}/abort`, {});
    expect(await call('DELETE', '/groups/kept')).toMatchObject({ status: 204 });
    expect(await call('DELETE', '/groups/kept%20too')).toMatchObject({ status: 204 });
  });
});

test('a token that may only read groups changes none', async () => {
  const { token } = await createToken(
    house.deps,
    { name: 'reader', role: 'operator', scopes: [TokenScope.parse('groups:read')] },
    SERVER_ACTOR,
  );
  const headers = { authorization: `Bearer ${token}` };
  const as = (method: 'GET' | 'POST', body?: unknown) =>
    house.call(method, '/groups', body, { role: 'nobody', headers });
  expect(await as('GET')).toMatchObject({ status: 200 });
  expect(await as('POST', { kind: 'static', name: 'x' })).toMatchObject({ status: 403 });
});

test('a query is stored as it is printed, so that it can be read again', () => {
  expect(printQuery(queryOf('NOT(online)'))).toBe('not online');
});
