import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { DeviceId } from '@wafer/protocol';
import { alignApp, assignNewDevice } from '../src/rollouts/index.ts';
import { fleet, type Fleet } from './releases-fleet.ts';

let house: Fleet;
beforeAll(async () => {
  house = await fleet();
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) await house.publish('thermo', version);
});
afterAll(() => house.close());

const assigned = async (device: DeviceId): Promise<Record<string, string>> =>
  Object.fromEntries(
    (
      await house.rows<{ app: string; version: string; channel: string }>(
        sql`select app, version, channel from assignments where device = ${device} order by app`,
      )
    ).map(({ app, version, channel }) => [app, `${channel} ${version}`]),
  );

const states = async (device: DeviceId): Promise<string[]> =>
  (
    await house.rows<{ line: string }>(
      sql`select version || ' ' || state as line from executions where device = ${device} order by version, state`,
    )
  ).map(({ line }) => line);

const desiredVersion = async (device: DeviceId): Promise<number> =>
  (
    await house.rows<{ version: number }>(
      sql`select desired_version as version from devices where id = ${device}`,
    )
  )[0]?.version as number;

/** Assignment, its execution and the device agree; exactly one execution of each app is under way. */
async function isWhole(device: DeviceId): Promise<void> {
  const broken = await house.rows(sql`
    select a.app from assignments a left join executions e on e.id = a.execution
    where a.device = ${device} and (e.id is null or e.version <> a.version or e.device <> a.device)
    union all
    select app from executions where device = ${device} and state in ('QUEUED', 'IN_PROGRESS')
    group by app having count(*) > 1`);
  expect(broken).toEqual([]);
}

test('a move reaches every subscribed device at once, with its execution, timeline, version and approval', async () => {
  const [one, two, other] = [
    await house.enrol('first'),
    await house.enrol('first'),
    await house.enrol('elsewhere'),
  ];
  const { status, body, headers } = await house.move('first', 'thermo', '1.0.0');
  expect(status).toBe(200);
  expect(body).toEqual({ channel: 'first', app: 'thermo', version: '1.0.0', devices: 2 });
  expect(headers['etag']).toBe('"1"');
  for (const device of [one, two]) {
    expect(await assigned(device)).toEqual({ thermo: 'first 1.0.0' });
    expect(await states(device)).toEqual(['1.0.0 QUEUED']);
    expect(await desiredVersion(device)).toBe(1);
    expect(
      await house.rows(sql`select kind, app, version from device_events where device = ${device}`),
    ).toEqual([{ kind: 'desired', app: 'thermo', version: '1.0.0' }]);
  }
  expect(await assigned(other)).toEqual({});
  expect(await desiredVersion(other)).toBe(0);
  expect(
    await house.rows(
      sql`select actor, before, after from audit_events where subject = 'channel:first/thermo'`,
    ),
  ).toEqual([
    { actor: 'token:operator', before: null, after: { version: '1.0.0', grants: { clock: true } } },
  ]);
  expect(house.live).toContainEqual({ type: 'channel', channel: 'first' });
});

test('the next move cancels what was under way and puts a new execution in its place', async () => {
  const device = await house.enrol('second');
  await house.move('second', 'thermo', '1.0.0');
  expect((await house.move('second', 'thermo', '1.1.0')).headers['etag']).toBe('"2"');
  expect(await assigned(device)).toEqual({ thermo: 'second 1.1.0' });
  expect(await states(device)).toEqual(['1.0.0 CANCELED', '1.1.0 QUEUED']);
  expect(await desiredVersion(device)).toBe(2);
});

test('a move to where the channel is already changes nothing', async () => {
  const device = await house.enrol('third');
  await house.move('third', 'thermo', '1.0.0');
  const again = await house.move('third', 'thermo', '1.0.0');
  expect(again).toMatchObject({ status: 200, body: { devices: 0 }, headers: { etag: '"1"' } });
  expect(await states(device)).toEqual(['1.0.0 QUEUED']);
  expect(await desiredVersion(device)).toBe(1);
});

test('the first channel of a device that holds the app decides', async () => {
  const device = await house.enrol('beta', 'calm');
  await house.move('calm', 'thermo', '1.0.0');
  expect(await assigned(device)).toEqual({ thermo: 'calm 1.0.0' });
  await house.move('beta', 'thermo', '1.2.0');
  expect(await assigned(device)).toEqual({ thermo: 'beta 1.2.0' });
  const moved = await house.move('calm', 'thermo', '1.1.0');
  expect(moved.body.devices).toBe(0);
  expect(await assigned(device)).toEqual({ thermo: 'beta 1.2.0' });
  expect(await desiredVersion(device)).toBe(2);
});

test('a device that was revoked is told nothing more', async () => {
  const device = await house.enrol('revoked');
  await house.rows(sql`update devices set revoked = now() where id = ${device}`);
  expect((await house.move('revoked', 'thermo', '1.0.0')).body.devices).toBe(0);
  expect(await assigned(device)).toEqual({});
});

test('more than the release asks for is not approved, and less than it needs is named', async () => {
  const wide = await house.move('grants', 'thermo', {
    version: '1.0.0',
    grants: { clock: true, random: true },
  });
  expect(wide.body).toMatchObject({ code: 'request.invalid', detail: expect.stringContaining('random') });
  const narrow = await house.move('grants', 'thermo', { version: '1.0.0', grants: {} });
  expect(narrow.body).toMatchObject({
    code: 'component.import-refused',
    detail: expect.stringContaining('"clock"'),
  });
  expect(await house.rows(sql`select 1 from channel_apps where channel = 'grants'`)).toEqual([]);
});

test('an approval that was narrowed stays narrow, one that follows the release goes on following it', async () => {
  const asks = { clock: true, random: true };
  await house.publish('narrow', '1.0.0', undefined, { grants: asks, memoryMiB: 8 });
  await house.publish('narrow', '1.1.0', undefined, {
    grants: { ...asks, environment: { REGION: 'eu' } },
    memoryMiB: 64,
  });
  const held = async (channel: string) =>
    (
      await house.rows(
        sql`select grants, limits->'memoryMiB' as memory from channel_apps where channel = ${channel}`,
      )
    )[0];
  await house.move('follows', 'narrow', '1.0.0');
  await house.move('narrowed', 'narrow', { version: '1.0.0', grants: { clock: true } });
  expect(await held('follows')).toEqual({ grants: asks, memory: 8 });
  await house.move('follows', 'narrow', '1.1.0');
  await house.move('narrowed', 'narrow', '1.1.0');
  expect(await held('follows')).toEqual({ grants: { ...asks, environment: { REGION: 'eu' } }, memory: 64 });
  expect(await held('narrowed')).toEqual({ grants: { clock: true }, memory: 64 });
});

test('what a move does not name stays as the channel has it', async () => {
  await house.move('keeps', 'thermo', {
    version: '1.0.0',
    config: { unit: 'C' },
    triggers: { everyMs: 500 },
    isolation: 'dedicated',
    health: { soakMs: 1 },
    limits: { deadlineMs: 77 },
  });
  await house.move('keeps', 'thermo', '1.1.0');
  const [row] =
    await house.rows(sql`select config, triggers, isolation, health->'soakMs' as soak, limits->'deadlineMs' as deadline
    from channel_apps where channel = 'keeps'`);
  expect(row).toEqual({
    config: { unit: 'C' },
    triggers: { everyMs: 500 },
    isolation: 'dedicated',
    soak: 1,
    deadline: 77,
  });
});

test('a schedule that no clock can keep is refused, with the key and the reason', async () => {
  const moved = (triggers: object) => house.move('timed', 'thermo', { version: '1.0.0', triggers });
  for (const [triggers, says] of [
    [{ cron: '61 * * * *' }, 'body/triggers/cron: "61 * * * *" is not understood'],
    [{ cron: '@daily', timeZone: 'Mars/Base' }, 'body/triggers/timeZone: "Mars/Base" is no IANA time zone'],
    [{ keepRunning: true }, 'body/triggers/keepRunning: it is for commands'],
  ] as const) {
    const { body } = await moved(triggers);
    expect(body).toMatchObject({ code: 'request.invalid', detail: expect.stringContaining(says) });
  }
  expect(await moved({ cron: '0 3 * * *', timeZone: 'Europe/Berlin' })).toMatchObject({ status: 200 });
});

test('If-Match: a move on what somebody else has moved meanwhile is refused', async () => {
  expect((await house.move('matched', 'thermo', '1.0.0', { 'if-match': '"1"' })).body).toMatchObject({
    code: 'request.precondition-failed',
  });
  expect(await house.move('matched', 'thermo', '1.0.0', { 'if-match': '"0"' })).toMatchObject({
    status: 200,
  });
  expect(await house.move('matched', 'thermo', '1.1.0', { 'if-match': '"1"' })).toMatchObject({
    status: 200,
  });
  expect((await house.move('matched', 'thermo', '1.2.0', { 'if-match': '"1"' })).status).toBe(412);
  expect((await house.move('matched', 'thermo', '1.2.0', { 'if-match': 'nonsense' })).status).toBe(412);
  expect(
    (await house.call('GET', '/channels')).body.items.find(
      (each: { name: string }) => each.name === 'matched',
    ).apps[0].version,
  ).toBe('1.1.0');
});

test('If-Match: of several moves at once on the same revision one is made and the others are told', async () => {
  await house.move('contested', 'thermo', '1.0.0');
  const rivals = ['a', 'b', 'c', 'd', 'e'].map((by) =>
    house.move('contested', 'thermo', { version: '1.1.0', config: { by } }, { 'if-match': '"1"' }),
  );
  const answers = await Promise.all(rivals);
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412, 412, 412]);
  expect(await house.rows(sql`select revision from channel_apps where channel = 'contested'`)).toEqual([
    { revision: 2 },
  ]);
});

test('bad moves: unknown releases, malformed names, too large a configuration, the wrong role', async () => {
  expect((await house.move('bad', 'thermo', '9.9.9')).body).toMatchObject({ code: 'release.not-found' });
  expect((await house.move('bad', 'nobody', '1.0.0')).body).toMatchObject({ code: 'release.not-found' });
  expect((await house.move('Bad%2F', 'thermo', '1.0.0')).body).toMatchObject({ code: 'request.invalid' });
  expect((await house.move('bad', 'thermo', { version: '1.0.0', surprise: 1 })).body).toMatchObject({
    code: 'request.invalid',
  });
  const config = Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`k${index}`, 'x'.repeat(4000)]));
  expect((await house.move('bad', 'thermo', { version: '1.0.0', config })).body).toMatchObject({
    code: 'request.invalid',
  });
  const viewer = await house.call(
    'PUT',
    '/channels/bad/apps/thermo',
    { version: '1.0.0' },
    { role: 'viewer' },
  );
  expect(viewer.body).toMatchObject({ code: 'auth.forbidden' });
  expect(await house.rows(sql`select 1 from channel_apps where channel = 'bad'`)).toEqual([]);
});

test('channels are listed with their apps and subscribers, also those that hold nothing yet', async () => {
  await house.enrol('lonely');
  const { items } = (await house.call('GET', '/channels', undefined, { role: 'viewer' })).body;
  expect(items.find((each: { name: string }) => each.name === 'lonely')).toEqual({
    name: 'lonely',
    apps: [],
    devices: 1,
  });
  expect(items.find((each: { name: string }) => each.name === 'first')).toMatchObject({
    devices: 2,
    apps: [{ app: 'thermo', version: '1.0.0', since: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/) }],
  });
  expect((await house.call('GET', '/releases/thermo/1.0.0')).body.channels).toContain('first');
  // Only the release that a channel holds says so, not every release of the app.
  expect((await house.call('GET', '/releases/thermo/1.1.0')).body.channels).not.toContain('first');
});

test('many moves at once: the desired version only grows, and every assignment stays whole', async () => {
  for (const app of ['busy-a', 'busy-b'])
    for (const version of ['1.0.0', '2.0.0']) await house.publish(app, version);
  const devices = await Promise.all([
    house.enrol('east'),
    house.enrol('west', 'east'),
    house.enrol('east', 'west'),
    house.enrol('west'),
  ]);
  const seen = new Map<DeviceId, number[]>(devices.map((device) => [device, []]));
  let isMoving = true;
  const watch = (async () => {
    while (isMoving) for (const device of devices) seen.get(device)?.push(await desiredVersion(device));
  })();
  const moves = ['east', 'west'].flatMap((channel) =>
    ['busy-a', 'busy-b'].flatMap((app) =>
      ['1.0.0', '2.0.0', '1.0.0'].map((version) => house.move(channel, app, version)),
    ),
  );
  const answers = await Promise.all([
    ...moves,
    ...devices.map((device) => assignNewDevice(house.deps, device).then(() => ({ status: 200 }))),
  ]);
  isMoving = false;
  await watch;
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  for (const app of ['busy-a', 'busy-b']) await alignApp(house.deps, app as never);

  // Each move was planned on the one before it: no revision was moved from twice.
  expect(
    await house.rows(sql`select subject, before->'revision' as revision from audit_events
      where subject like 'channel:%/busy-%' group by 1, 2 having count(*) > 1`),
  ).toEqual([]);

  const holds = async (channel: string, app: string) =>
    (
      await house.rows<{ version: string }>(
        sql`select version from channel_apps where channel = ${channel} and app = ${app}`,
      )
    )[0]?.version;
  for (const [index, channel] of ['east', 'west', 'east', 'west'].entries()) {
    const device = devices[index] as DeviceId;
    expect(await assigned(device)).toEqual({
      'busy-a': `${channel} ${await holds(channel, 'busy-a')}`,
      'busy-b': `${channel} ${await holds(channel, 'busy-b')}`,
    });
    await isWhole(device);
    expect(seen.get(device)).toEqual(seen.get(device)?.toSorted((a, b) => a - b));
  }
});

test('moves while database backends are killed are whole or absent, each with its event on record', async () => {
  const device = await house.enrol('shot');
  let isShooting = true;
  const shooting = (async () => {
    while (isShooting) {
      await house
        .rows(
          sql`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() order by random() limit 2`,
        )
        .catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  const seen: number[] = [];
  for (let round = 0; round < 40; round += 1) {
    const version = ['1.0.0', '1.1.0', '1.2.0'][round % 3] as string;
    seen.push((await house.move('shot', 'thermo', version)).status);
  }
  isShooting = false;
  await shooting;
  expect(seen.filter((status) => status !== 200 && status !== 503)).toEqual([]);
  await vi.waitFor(async () =>
    expect((await house.move('shot', 'thermo', { version: '1.0.0', config: { last: 'yes' } })).status).toBe(
      200,
    ),
  );
  const [row] = await house.rows<Record<string, number>>(sql`select
    (select revision from channel_apps where channel = 'shot') as revision,
    (select desired_version from devices where id = ${device}) as version,
    (select count(*) from executions where device = ${device})::int as executions,
    (select count(*) from audit_events where subject = 'channel:shot/thermo')::int as audited`);
  const { revision } = row as { revision: number };
  expect(row).toEqual({ revision, version: revision, executions: revision, audited: revision });
  await isWhole(device);
});
