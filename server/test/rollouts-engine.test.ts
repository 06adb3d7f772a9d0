/** Rollouts through the API, the engine and Postgres; devices answer by rows, as reports would write them. */
import { Minutes, type DeviceId } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assignNewDevice, sweepOnce } from '../src/rollouts/index.ts';
import { CANARY, rolloutHouse, type RolloutHouse } from './rollouts-house.ts';

let house: RolloutHouse;
beforeAll(async () => {
  house = await rolloutHouse();
});
afterAll(() => house.close());

test('a rollout goes wave by wave to its end, and then the channel holds the release', async () => {
  const devices = await house.channelOf('plain', 5);
  const { id } = await house.begun('plain', { waves: CANARY });
  const canaries = await house.startedOf(id);
  expect(canaries).toHaveLength(2);
  expect((await house.asked(devices)).toSorted()).toEqual(['1.0.0', '1.0.0', '1.0.0', '1.1.0', '1.1.0']);
  for (const device of canaries) await house.answer(device, 'SUCCEEDED');
  await house.tick();
  expect((await house.read(id)).waves.map(({ state }) => state)).toEqual(['PASSED', 'RUNNING']);
  expect(await house.startedOf(id)).toHaveLength(3);
  for (const device of await house.startedOf(id)) await house.answer(device, 'SUCCEEDED');
  await house.tick();
  expect(await house.read(id)).toMatchObject({ state: 'COMPLETED', devices: 5 });
  expect(await house.asked(devices)).toEqual(Array(5).fill('1.1.0'));
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
  expect(await house.asked([late])).toEqual(['1.1.0']);
});

test('no more than the limit is under way, and failed and silent devices hold no place', async () => {
  await house.channelOf('narrow', 6);
  const { id } = await house.begun('narrow', {
    inFlight: 2,
    waves: [{ devices: { of: 'rest' }, gate: { successPercent: 0 } }],
  });
  const [first, second] = await house.startedOf(id);
  await house.tick();
  expect(await house.startedOf(id)).toEqual([first, second]);
  await house.answer(first as DeviceId, 'FAILED', 'trap');
  house.clock.advance(Minutes(16));
  await sweepOnce(house.deps);
  await house.tick();
  const members = await house.membersOf(id);
  expect(members.slice(0, 2).map(({ state, cause }) => `${state} ${cause}`)).toEqual([
    'FAILED trap',
    'TIMED_OUT TIMED_OUT',
  ]);
  expect(await house.startedOf(id)).toHaveLength(2);
  await house.order(id, 'abort');
});

test('a gate that trips stops the rollout; who failed is asked for the old release; the rest is not touched', async () => {
  const devices = await house.channelOf('bad', 6);
  const { id } = await house.begun('bad', { waves: CANARY });
  const [one, two] = await house.startedOf(id);
  await house.answer(one as DeviceId, 'ROLLED_BACK', 'probe-failed');
  await house.tick();
  expect(await house.read(id)).toMatchObject({
    state: 'PAUSED',
    reason: 'Wave 1: 1 of 2 failed; 90 % must succeed.',
    waves: [{ state: 'TRIPPED', counts: { failed: 1, causes: { 'probe-failed': 1 } } }, { state: 'WAITING' }],
  });
  await house.answer(two as DeviceId, 'SUCCEEDED');
  await house.tick();
  await house.tick();
  expect((await house.read(id)).waves[1]?.counts).toMatchObject({ waiting: 4, started: 0 });
  expect((await house.asked([one as DeviceId, two as DeviceId])).join()).toBe('1.0.0,1.1.0');
  expect((await house.asked(devices)).filter((version) => version === '1.1.0')).toHaveLength(1);
});

test('one signature fault aborts and rolls back, if the gate says so, and the channel never moved', async () => {
  const devices = await house.channelOf('forged', 6);
  const gate = { successPercent: 0, onTrip: 'rollback' };
  const { id } = await house.begun('forged', { inFlight: 4, waves: [{ devices: { of: 'rest' }, gate }] });
  const [one, two, three] = (await house.startedOf(id)) as [DeviceId, DeviceId, DeviceId];
  await house.answer(one, 'SUCCEEDED');
  await house.tick();
  await house.answer(two, 'SUCCEEDED');
  await house.answer(three, 'REJECTED', 'signature');
  await house.tick();
  expect(await house.read(id)).toMatchObject({ state: 'ROLLING_BACK' });
  expect(await house.asked(devices)).toEqual(Array(6).fill('1.0.0'));
  for (const device of devices) await house.answer(device, 'SUCCEEDED');
  await house.tick();
  expect(await house.read(id)).toMatchObject({
    state: 'ROLLED_BACK',
    reason: 'Wave 1: 1 with the fault signature; 1 stop the rollout.',
  });
  expect(
    (await house.membersOf(id)).map(({ state }) => state).filter((state) => state === 'ROLLED_BACK'),
  ).toHaveLength(2);
});

test('a rollout that was stopped updates nobody, not even a device that comes back later', async () => {
  const devices = await house.channelOf('stopped', 4);
  const { id } = await house.begun('stopped', { inFlight: 3 });
  const [swapping, downloading, silent] = (await house.startedOf(id)) as [DeviceId, DeviceId, DeviceId];
  await house.stage(swapping, 'probing');
  await house.stage(downloading, 'downloading');
  expect((await house.order(id, 'abort', { reason: 'wrong build' })).body).toMatchObject({
    state: 'ABORTED',
    reason: 'wrong build',
  });
  expect(await house.asked([swapping, downloading, silent])).toEqual(['1.1.0', '1.0.0', '1.0.0']);
  for (const device of devices) await assignNewDevice(house.deps, device);
  await sweepOnce(house.deps);
  await house.tick();
  expect((await house.asked(devices)).filter((version) => version === '1.1.0')).toHaveLength(1);
  await house.answer(swapping, 'SUCCEEDED');
  await house.tick();
  expect((await house.membersOf(id)).map(({ state }) => state).toSorted()).toEqual([
    'CANCELED',
    'CANCELED',
    'CANCELED',
    'SUCCEEDED',
  ]);
  expect((await house.order(id, 'rollback')).body).toMatchObject({ state: 'ROLLING_BACK' });
  expect(await house.asked(devices)).toEqual(Array(4).fill('1.0.0'));
});

test('a success that the device’s own list of apps does not confirm is none', async () => {
  await house.channelOf('liar', 1);
  const { id } = await house.begun('liar');
  const [device] = (await house.startedOf(id)) as [DeviceId];
  await house.answer(device, 'FAILED');
  await house.rows(
    sql`update executions set state = 'SUCCEEDED' where device = ${device} and version = '1.1.0'`,
  );
  await house.tick();
  expect(await house.startedOf(id)).toEqual([device]);
  house.clock.advance(Minutes(16));
  await house.tick();
  expect(await house.membersOf(id)).toMatchObject([{ state: 'TIMED_OUT', cause: 'TIMED_OUT' }]);
});

test('a channel that is moved by hand overtakes the rollout, and the newest order counts', async () => {
  const devices = await house.channelOf('hand', 4);
  const { id } = await house.begun('hand', { inFlight: 2 });
  await house.move('hand', 'thermo', '1.2.0');
  expect(await house.asked(devices)).toEqual(Array(4).fill('1.2.0'));
  await house.tick();
  expect(await house.read(id)).toMatchObject({ state: 'ABORTED' });
  // Two were under way and are somebody else's now; two had not begun.
  expect((await house.membersOf(id)).map(({ state }) => state)).toEqual([
    'REMOVED',
    'REMOVED',
    'CANCELED',
    'CANCELED',
  ]);
  expect(await house.asked(devices)).toEqual(Array(4).fill('1.2.0'));
});

test('pause starts nobody more, resume goes on, and what no table has is refused', async () => {
  await house.channelOf('pausing', 4);
  const { id } = await house.begun('pausing', { inFlight: 1 });
  expect((await house.order(id, 'pause')).body).toMatchObject({ state: 'PAUSED' });
  const [device] = (await house.startedOf(id)) as [DeviceId];
  await house.answer(device, 'SUCCEEDED');
  await house.tick();
  expect(await house.startedOf(id)).toEqual([]);
  expect(await house.order(id, 'pause')).toMatchObject({ status: 409, body: { code: 'rollout.transition' } });
  expect((await house.order(id, 'resume')).status).toBe(200);
  await house.tick();
  expect(await house.startedOf(id)).toHaveLength(1);
  await house.order(id, 'abort');
  for (const action of ['start', 'approve', 'pause', 'resume', 'abort', 'retry'])
    expect(await house.order(id, action)).toMatchObject({
      status: 409,
      body: { code: 'rollout.transition' },
    });
});

test('of two orders at the same revision one wins, and the other is told', async () => {
  await house.channelOf('raced', 2);
  const { id, revision } = await house.begun('raced');
  const header = { 'if-match': `"${revision}"` };
  const answers = await Promise.all([
    house.order(id, 'pause', {}, header),
    house.order(id, 'abort', {}, header),
  ]);
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
});

test('one rollout at a time moves an app on a channel', async () => {
  await house.channelOf('shared', 2);
  const first = await house.make('shared');
  const second = await house.make('shared');
  await house.order(first.id, 'start');
  expect(await house.order(second.id, 'start')).toMatchObject({
    status: 409,
    body: { code: 'rollout.conflict' },
  });
  await house.order(first.id, 'abort');
  expect((await house.order(second.id, 'start')).status).toBe(200);
});

test('servers that look at the same time start nobody twice and no more than may be', async () => {
  await house.channelOf('many', 12);
  const { id } = await house.begun('many', { inFlight: 3, waves: [{ devices: { of: 'rest' } }] });
  for (let round = 0; round < 4; round += 1) {
    const [device] = await house.startedOf(id);
    if (device !== undefined) await house.answer(device, 'SUCCEEDED');
    await Promise.all([house.tick(), house.tick(), house.tick(), house.tick()]);
    expect((await house.startedOf(id)).length).toBe(3);
  }
  const rows = await house.rows(sql`select device from executions where rollout = ${id}`);
  expect(new Set(rows.map(({ device }) => device)).size).toBe(rows.length);
});

test('what is stored is what was previewed, or nothing', async () => {
  await house.channelOf('shown', 5);
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
  const made = await house.make('shown', { waves: CANARY, fingerprint: preview.fingerprint });
  const members = await house.membersOf(made.id);
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
  await house.channelOf('again', 3);
  const { id } = await house.begun('again', {
    waves: [{ devices: { of: 'rest' }, gate: { successPercent: 100 } }],
  });
  const [bad, ...good] = await house.startedOf(id);
  for (const device of good) await house.answer(device, 'SUCCEEDED');
  await house.answer(bad as DeviceId, 'FAILED', 'link');
  await house.tick();
  expect(await house.read(id)).toMatchObject({ state: 'PAUSED' });
  expect((await house.order(id, 'retry')).status).toBe(200);
  await house.order(id, 'resume');
  await house.tick();
  expect(await house.startedOf(id)).toEqual([bad]);
  await house.answer(bad as DeviceId, 'SUCCEEDED');
  await house.tick();
  expect(await house.read(id)).toMatchObject({ state: 'COMPLETED' });
});

test('bad orders are told what is wrong with them', async () => {
  await house.channelOf('asked', 1);
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
  expect(await house.order('6e1f1d0a-6c3c-4d0e-9a53-0d0f3f1a7c11', 'start')).toMatchObject({
    body: { code: 'rollout.not-found' },
  });
});

test('every order and step is in the audit, by whom it was', async () => {
  await house.channelOf('audited', 1);
  const { id } = await house.begun('audited');
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
