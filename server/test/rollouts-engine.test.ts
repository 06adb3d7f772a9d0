/** Rollouts through the API, the engine and Postgres; devices answer by rows, as reports would write them. */
import { Minutes, type DeviceId, type RolloutView } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assignNewDevice, sweepOnce } from '../src/rollouts/index.ts';
import { tickOnce } from '../src/rollouts/engine/index.ts';
import { fleet, type Fleet } from './releases-fleet.ts';

let house: Fleet;
beforeAll(async () => {
  house = await fleet();
  await house.publish('thermo', '1.0.0');
  await house.publish('thermo', '1.1.0');
  await house.publish('thermo', '1.2.0');
});
afterAll(() => house.close());

const tick = (): Promise<void> => tickOnce(house.deps);

/** A channel with `count` devices that run thermo 1.0.0. */
async function channelOf(channel: string, count: number): Promise<DeviceId[]> {
  const devices = await Promise.all(Array.from({ length: count }, () => house.enrol(channel)));
  await house.move(channel, 'thermo', '1.0.0');
  for (const device of devices) await answer(device, 'SUCCEEDED');
  return devices;
}

/** What the device's report of its latest execution writes. */
async function answer(device: DeviceId, state: string, fault?: string): Promise<void> {
  const at = new Date(house.clock.now()).toISOString();
  await house.rows(sql`update executions set state = ${state}, stage = null, updated = ${at}::timestamptz,
      fault = ${fault === undefined ? null : JSON.stringify({ kind: fault, message: 'x' })}::jsonb
    where id = (select execution from assignments where device = ${device} and app = 'thermo')`);
  if (state !== 'SUCCEEDED' && state !== 'ALREADY_INSTALLED') return;
  await house.rows(sql`insert into device_apps (device, app, version, digest, state, at)
    select a.device, a.app, a.version, r.digest, 'running', ${at}::timestamptz
    from assignments a join releases r on r.app = a.app and r.version = a.version where a.device = ${device}
    on conflict (device, app) do update set version = excluded.version, digest = excluded.digest`);
}

const stage = (device: DeviceId, word: string) =>
  house.rows(sql`update executions set state = 'IN_PROGRESS', stage = ${word}
    where id = (select execution from assignments where device = ${device})`);

async function make(channel: string, more: object = {}): Promise<RolloutView> {
  const made = await house.call(
    'POST',
    '/rollouts',
    { name: `to ${channel}`, channel, targets: [{ app: 'thermo', version: '1.1.0' }], ...more },
    { role: 'operator' },
  );
  expect(made).toMatchObject({ status: 201, body: { state: 'DRAFT' } });
  return made.body;
}
const order = (id: string, action: string, body: object = {}, headers = {}) =>
  house.call('POST', `/rollouts/${id}/${action}`, body, { role: 'operator', headers });
const read = async (id: string): Promise<RolloutView> => (await house.call('GET', `/rollouts/${id}`)).body;

async function begun(channel: string, more: object = {}): Promise<RolloutView> {
  const made = await make(channel, more);
  expect((await order(made.id, 'start')).body).toMatchObject({ state: 'SCHEDULED' });
  await tick();
  return read(made.id);
}

/** device → version that it is asked for. */
async function asked(devices: readonly DeviceId[]): Promise<string[]> {
  const rows = await house.rows<{ device: DeviceId; version: string }>(
    sql`select device, version from assignments where app = 'thermo'`,
  );
  const versions = new Map(rows.map(({ device, version }) => [device, version]));
  return devices.map((device) => versions.get(device) ?? 'nothing');
}
/** Members by state, in the order in which they are started. */
const membersOf = async (id: string): Promise<{ device: DeviceId; state: string; cause: string | null }[]> =>
  (await house.call('GET', `/rollouts/${id}/devices?limit=200`)).body.items;
const startedOf = async (id: string): Promise<DeviceId[]> =>
  (await membersOf(id)).filter(({ state }) => state === 'IN_PROGRESS').map(({ device }) => device);

const CANARY = [{ devices: { of: 'count', count: 2 } }, { devices: { of: 'rest' } }];

test('a rollout goes wave by wave to its end, and then the channel holds the release', async () => {
  const devices = await channelOf('plain', 5);
  const { id } = await begun('plain', { waves: CANARY });
  const canaries = await startedOf(id);
  expect(canaries).toHaveLength(2);
  expect((await asked(devices)).toSorted()).toEqual(['1.0.0', '1.0.0', '1.0.0', '1.1.0', '1.1.0']);
  for (const device of canaries) await answer(device, 'SUCCEEDED');
  await tick();
  expect((await read(id)).waves.map(({ state }) => state)).toEqual(['PASSED', 'RUNNING']);
  expect(await startedOf(id)).toHaveLength(3);
  for (const device of await startedOf(id)) await answer(device, 'SUCCEEDED');
  await tick();
  expect(await read(id)).toMatchObject({ state: 'COMPLETED', devices: 5 });
  expect(await asked(devices)).toEqual(Array(5).fill('1.1.0'));
  expect(await house.rows(sql`select version from channel_apps where channel = 'plain'`)).toEqual([
    { version: '1.1.0' },
  ]);
  // Nobody was asked twice, and a new device gets what was completed.
  expect(
    await house.rows(
      sql`select count(*)::integer as n from executions where version = '1.1.0' and rollout = ${id}`,
    ),
  ).toEqual([{ n: 5 }]);
  const late = await house.enrol('plain');
  await assignNewDevice(house.deps, late);
  expect(await asked([late])).toEqual(['1.1.0']);
});

test('no more than the limit is under way, and failed and silent devices hold no place', async () => {
  await channelOf('narrow', 6);
  const { id } = await begun('narrow', {
    inFlight: 2,
    waves: [{ devices: { of: 'rest' }, gate: { successPercent: 0 } }],
  });
  const [first, second] = await startedOf(id);
  await tick();
  expect(await startedOf(id)).toEqual([first, second]);
  await answer(first as DeviceId, 'FAILED', 'trap');
  house.clock.advance(Minutes(16));
  await sweepOnce(house.deps);
  await tick();
  const members = await membersOf(id);
  expect(members.slice(0, 2).map(({ state, cause }) => `${state} ${cause}`)).toEqual([
    'FAILED trap',
    'TIMED_OUT TIMED_OUT',
  ]);
  expect(await startedOf(id)).toHaveLength(2);
  await order(id, 'abort');
});

test('a gate that trips stops the rollout; who failed is asked for the old release; the rest is not touched', async () => {
  const devices = await channelOf('bad', 6);
  const { id } = await begun('bad', { waves: CANARY });
  const [one, two] = await startedOf(id);
  await answer(one as DeviceId, 'ROLLED_BACK', 'probe-failed');
  await tick();
  expect(await read(id)).toMatchObject({
    state: 'PAUSED',
    reason: 'Wave 1: 1 of 2 failed; 90 % must succeed.',
    waves: [{ state: 'TRIPPED', counts: { failed: 1, causes: { 'probe-failed': 1 } } }, { state: 'WAITING' }],
  });
  await answer(two as DeviceId, 'SUCCEEDED');
  await tick();
  await tick();
  expect((await read(id)).waves[1]?.counts).toMatchObject({ waiting: 4, started: 0 });
  expect((await asked([one as DeviceId, two as DeviceId])).join()).toBe('1.0.0,1.1.0');
  expect((await asked(devices)).filter((version) => version === '1.1.0')).toHaveLength(1);
});

test('one signature fault aborts and rolls back, if the gate says so, and the channel never moved', async () => {
  const devices = await channelOf('forged', 6);
  const gate = { successPercent: 0, onTrip: 'rollback' };
  const { id } = await begun('forged', { inFlight: 4, waves: [{ devices: { of: 'rest' }, gate }] });
  const [one, two, three] = (await startedOf(id)) as [DeviceId, DeviceId, DeviceId];
  await answer(one, 'SUCCEEDED');
  await tick();
  await answer(two, 'SUCCEEDED');
  await answer(three, 'REJECTED', 'signature');
  await tick();
  expect(await read(id)).toMatchObject({ state: 'ROLLING_BACK' });
  expect(await asked(devices)).toEqual(Array(6).fill('1.0.0'));
  for (const device of devices) await answer(device, 'SUCCEEDED');
  await tick();
  expect(await read(id)).toMatchObject({
    state: 'ROLLED_BACK',
    reason: 'Wave 1: 1 with the fault signature; 1 stop the rollout.',
  });
  expect(
    (await membersOf(id)).map(({ state }) => state).filter((state) => state === 'ROLLED_BACK'),
  ).toHaveLength(2);
});

test('a rollout that was stopped updates nobody, not even a device that comes back later', async () => {
  const devices = await channelOf('stopped', 4);
  const { id } = await begun('stopped', { inFlight: 3 });
  const [swapping, downloading, silent] = (await startedOf(id)) as [DeviceId, DeviceId, DeviceId];
  await stage(swapping, 'probing');
  await stage(downloading, 'downloading');
  expect((await order(id, 'abort', { reason: 'wrong build' })).body).toMatchObject({
    state: 'ABORTED',
    reason: 'wrong build',
  });
  expect(await asked([swapping, downloading, silent])).toEqual(['1.1.0', '1.0.0', '1.0.0']);
  for (const device of devices) await assignNewDevice(house.deps, device);
  await sweepOnce(house.deps);
  await tick();
  expect((await asked(devices)).filter((version) => version === '1.1.0')).toHaveLength(1);
  await answer(swapping, 'SUCCEEDED');
  await tick();
  expect((await membersOf(id)).map(({ state }) => state).toSorted()).toEqual([
    'CANCELED',
    'CANCELED',
    'CANCELED',
    'SUCCEEDED',
  ]);
  expect((await order(id, 'rollback')).body).toMatchObject({ state: 'ROLLING_BACK' });
  expect(await asked(devices)).toEqual(Array(4).fill('1.0.0'));
});

test('a success that the device’s own list of apps does not confirm is none', async () => {
  await channelOf('liar', 1);
  const { id } = await begun('liar');
  const [device] = (await startedOf(id)) as [DeviceId];
  await answer(device, 'FAILED');
  await house.rows(
    sql`update executions set state = 'SUCCEEDED' where device = ${device} and version = '1.1.0'`,
  );
  await tick();
  expect(await startedOf(id)).toEqual([device]);
  house.clock.advance(Minutes(16));
  await tick();
  expect(await membersOf(id)).toMatchObject([{ state: 'TIMED_OUT', cause: 'TIMED_OUT' }]);
});

test('a channel that is moved by hand overtakes the rollout, and the newest order counts', async () => {
  const devices = await channelOf('hand', 4);
  const { id } = await begun('hand', { inFlight: 2 });
  await house.move('hand', 'thermo', '1.2.0');
  expect(await asked(devices)).toEqual(Array(4).fill('1.2.0'));
  await tick();
  expect(await read(id)).toMatchObject({ state: 'ABORTED' });
  // Two were under way and are somebody else's now; two had not begun.
  expect((await membersOf(id)).map(({ state }) => state)).toEqual([
    'REMOVED',
    'REMOVED',
    'CANCELED',
    'CANCELED',
  ]);
  expect(await asked(devices)).toEqual(Array(4).fill('1.2.0'));
});

test('pause starts nobody more, resume goes on, and what no table has is refused', async () => {
  await channelOf('pausing', 4);
  const { id } = await begun('pausing', { inFlight: 1 });
  expect((await order(id, 'pause')).body).toMatchObject({ state: 'PAUSED' });
  const [device] = (await startedOf(id)) as [DeviceId];
  await answer(device, 'SUCCEEDED');
  await tick();
  expect(await startedOf(id)).toEqual([]);
  expect(await order(id, 'pause')).toMatchObject({ status: 409, body: { code: 'rollout.transition' } });
  expect((await order(id, 'resume')).status).toBe(200);
  await tick();
  expect(await startedOf(id)).toHaveLength(1);
  await order(id, 'abort');
  for (const action of ['start', 'approve', 'pause', 'resume', 'abort', 'retry'])
    expect(await order(id, action)).toMatchObject({ status: 409, body: { code: 'rollout.transition' } });
});

test('of two orders at the same revision one wins, and the other is told', async () => {
  await channelOf('raced', 2);
  const { id, revision } = await begun('raced');
  const header = { 'if-match': `"${revision}"` };
  const answers = await Promise.all([order(id, 'pause', {}, header), order(id, 'abort', {}, header)]);
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
});

test('one rollout at a time moves an app on a channel', async () => {
  await channelOf('shared', 2);
  const first = await make('shared');
  const second = await make('shared');
  await order(first.id, 'start');
  expect(await order(second.id, 'start')).toMatchObject({ status: 409, body: { code: 'rollout.conflict' } });
  await order(first.id, 'abort');
  expect((await order(second.id, 'start')).status).toBe(200);
});

test('servers that look at the same time start nobody twice and no more than may be', async () => {
  await channelOf('many', 12);
  const { id } = await begun('many', { inFlight: 3, waves: [{ devices: { of: 'rest' } }] });
  for (let round = 0; round < 4; round += 1) {
    const [device] = await startedOf(id);
    if (device !== undefined) await answer(device, 'SUCCEEDED');
    await Promise.all([tick(), tick(), tick(), tick()]);
    expect((await startedOf(id)).length).toBe(3);
  }
  const rows = await house.rows(sql`select device from executions where rollout = ${id}`);
  expect(new Set(rows.map(({ device }) => device)).size).toBe(rows.length);
});

/** The server's database, which is gone from the `last`th statement on: before it was run, or after it was. */
function dyingAfter(last: number, isStored: boolean): Fleet['deps'] {
  let statements = 0;
  const death = new Error('the server was killed');
  const guarded = <Args extends unknown[], T>(run: (...args: Args) => PromiseLike<T>) =>
    async function (...args: Args): Promise<T> {
      statements += 1;
      if (statements > last) throw death;
      if (statements < last || isStored) {
        const made = await run(...args);
        if (statements === last) throw death;
        return made;
      }
      throw death;
    };
  const { db } = house.deps;
  const dying = new Proxy(db, {
    get: (target, key) =>
      key === 'execute' ? guarded(target.execute.bind(target)) : Reflect.get(target, key),
  });
  return { ...house.deps, db: dying };
}

test.each([
  ['before', false],
  ['after', true],
])(
  'a server that is killed %s any of its writes leaves a rollout that others finish exactly',
  async (when, isStored) => {
    const channel = `killed-${when}`;
    const devices = await channelOf(channel, 3);
    const { id } = await make(channel, { waves: CANARY, inFlight: 1 });
    await order(id, 'start');
    let deaths = 0;
    for (let last = 1; (await read(id)).state !== 'COMPLETED'; last = (last % 12) + 1) {
      expect((deaths += 1)).toBeLessThan(100);
      // One that dies takes nothing with it; its list of rollouts may already fail.
      await tickOnce(dyingAfter(last, isStored)).catch((error: Error) =>
        expect(error.message).toBe('the server was killed'),
      );
      const started = await startedOf(id);
      expect(started.length).toBeLessThanOrEqual(1);
      for (const device of started) await answer(device, 'SUCCEEDED');
    }
    expect(await asked(devices)).toEqual(Array(3).fill('1.1.0'));
    expect((await membersOf(id)).map(({ state }) => state)).toEqual(Array(3).fill('SUCCEEDED'));
    const rows = await house.rows(
      sql`select device, count(*)::integer as times from executions where rollout = ${id} group by device`,
    );
    expect(rows.map(({ times }) => times)).toEqual([1, 1, 1]);
  },
);

test('what is stored is what was previewed, or nothing', async () => {
  await channelOf('shown', 5);
  const body = { name: 'x', channel: 'shown', targets: [{ app: 'thermo', version: '1.1.0' }], waves: CANARY };
  const preview = (await house.call('POST', '/rollouts/preview', body, { role: 'operator' })).body;
  expect(preview).toMatchObject({
    devices: 5,
    targets: [{ app: 'thermo', version: '1.1.0', from: '1.0.0', gains: [], loses: [] }],
    waves: [
      { name: '2 devices', devices: 2, architectures: { x64: 2 } },
      { name: 'the rest', devices: 3 },
    ],
  });
  const made = await make('shown', { waves: CANARY, fingerprint: preview.fingerprint });
  const members = await membersOf(made.id);
  expect(members.slice(0, 2).map(({ device }) => device)).toEqual(
    preview.waves[0].first.map(({ device }: { device: string }) => device),
  );
  await house.enrol('shown');
  expect(
    await house.call(
      'POST',
      '/rollouts',
      { ...body, fingerprint: preview.fingerprint },
      { role: 'operator' },
    ),
  ).toMatchObject({ status: 409, body: { code: 'rollout.changed' } });
});

test('retry takes the failed ones once more', async () => {
  await channelOf('again', 3);
  const { id } = await begun('again', {
    waves: [{ devices: { of: 'rest' }, gate: { successPercent: 100 } }],
  });
  const [bad, ...good] = await startedOf(id);
  for (const device of good) await answer(device, 'SUCCEEDED');
  await answer(bad as DeviceId, 'FAILED', 'link');
  await tick();
  expect(await read(id)).toMatchObject({ state: 'PAUSED' });
  expect((await order(id, 'retry')).status).toBe(200);
  await order(id, 'resume');
  await tick();
  expect(await startedOf(id)).toEqual([bad]);
  await answer(bad as DeviceId, 'SUCCEEDED');
  await tick();
  expect(await read(id)).toMatchObject({ state: 'COMPLETED' });
});

test('bad orders are told what is wrong with them', async () => {
  await channelOf('asked', 1);
  const of = (more: object) =>
    house.call(
      'POST',
      '/rollouts',
      { name: 'x', channel: 'asked', targets: [{ app: 'thermo', version: '1.1.0' }], ...more },
      { role: 'operator' },
    );
  expect(await of({ channel: 'nobody' })).toMatchObject({ status: 422, body: { code: 'rollout.empty' } });
  expect(await of({ targets: [{ app: 'thermo', version: '9.9.9' }] })).toMatchObject({
    body: { code: 'release.not-found' },
  });
  expect((await of({ waves: [{ devices: { of: 'count', count: 1 } }] })).body).toMatchObject({
    code: 'request.invalid',
    detail: expect.stringContaining('the last one takes the rest'),
  });
  expect(await house.call('POST', '/rollouts', {}, { role: 'viewer' })).toMatchObject({ status: 403 });
  expect(await order('6e1f1d0a-6c3c-4d0e-9a53-0d0f3f1a7c11', 'start')).toMatchObject({
    body: { code: 'rollout.not-found' },
  });
});

test('every order and step is in the audit, by whom it was', async () => {
  await channelOf('audited', 1);
  const { id } = await begun('audited');
  const rows = await house.rows<{ line: string }>(
    sql`select actor || ' ' || action as line from audit_events where subject = ${`rollout:${id}`} order by id`,
  );
  expect(rows.map(({ line }) => line)).toEqual([
    'token:operator rollout.created',
    'token:operator rollout.start',
    'server rollout.begin',
    'server rollout.wave-open',
    'server rollout.devices-started',
  ]);
});
