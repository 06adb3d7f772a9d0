/** Dry runs, windows, approvals, pins, rests and rollbacks, through the API and Postgres. */
import { Hours, Minutes, type DeviceId, type DeviceVerdict, type RolloutPreview } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assignNewDevice, sweepOnce } from '../src/rollouts/index.ts';
import { reactor } from './releases-publisher.ts';
import { CANARY, rolloutHouse, type RolloutHouse } from './rollouts-house.ts';

let house: RolloutHouse;
beforeAll(async () => {
  house = await rolloutHouse();
  await house.publish('thermo', '2.0.0', await reactor('thermo 2.0.0'), {
    grants: { clock: true, random: true },
  });
});
afterAll(() => house.close());

const online = (device: DeviceId, said: object = {}) =>
  house.rows(
    sql`update devices set online = true, inventory = ${JSON.stringify(said)}::jsonb where id = ${device}`,
  );

describe('a dry run', () => {
  test('says for every device what would happen to it, and nothing is stored', async () => {
    const devices = await house.channelOf('verdicts', 8);
    const [fine, has, picky, silent, asleep, old, lacking, pinned] = devices as DeviceId[] & { length: 8 };
    for (const device of devices) if (device !== silent) await online(device);
    await online(picky as DeviceId, { policy: { limits: { memoryMiB: 1 } } });
    await online(asleep as DeviceId, { timeZone: 'Pacific/Auckland' });
    await house.rows(sql`update device_apps set digest = (select digest from releases
      where app = 'thermo' and version = '1.1.0') where device = ${has}`);
    for (const [device, kind] of [
      [old, 'incompatible'],
      [lacking, 'capability-denied'],
    ] as const)
      await house.rows(sql`insert into executions (id, device, app, version, state, fault, created, updated)
        values (gen_random_uuid(), ${device}, 'thermo', '1.1.0', 'REJECTED',
          ${JSON.stringify({ kind, message: 'x', subject: 'wasi:gpio' })}::jsonb, now(), now())`);
    const pin = { version: '1.0.0', reason: 'a customer asked for it' };
    expect((await house.call('PUT', `/devices/${pinned}/pins/thermo`, pin)).status).toBe(200);

    // 12:00 in UTC, which is 01:00 in Auckland.
    const hours = { windows: [{ cron: '0 6 * * *', minutes: 720 }] };
    house.clock.set(Date.parse('2026-11-21T12:00:00.000Z'));
    const before = await house.rows(sql`select count(*)::integer as n from rollouts`);
    const { body } = (await house.preview('verdicts', hours)) as { body: RolloutPreview };
    expect(body).toMatchObject({
      devices: 7,
      verdicts: {
        update: 1,
        'already-installed': 1,
        refused: 1,
        silent: 1,
        'outside-window': 1,
        incompatible: 1,
        'missing-grant': 1,
        pinned: 1,
      },
    });
    expect(body.bytes).toBe((body.waves[0]?.first.find(({ device }) => device === fine)?.bytes ?? 0) * 3);
    const lines = new Map<string, DeviceVerdict>();
    for (let cursor = ''; ;) {
      const path = `/rollouts/preview/devices?limit=3${cursor}`;
      const spec = {
        name: 'x',
        channel: 'verdicts',
        targets: [{ app: 'thermo', version: '1.1.0' }],
        ...hours,
      };
      const page = (await house.call('POST', path, spec, { role: 'operator' })).body;
      for (const line of page.items as DeviceVerdict[]) lines.set(line.device, line);
      if (page.next === undefined) break;
      cursor = `&cursor=${page.next}`;
    }
    expect(lines.size).toBe(8);
    expect(lines.get(picky as string)).toMatchObject({
      verdict: 'refused',
      detail: 'policy.limits.memoryMiB',
    });
    expect(lines.get(silent as string)).toMatchObject({ verdict: 'silent', detail: 'never seen' });
    expect(lines.get(asleep as string)).toMatchObject({
      verdict: 'outside-window',
      detail: 'in Pacific/Auckland',
    });
    expect(lines.get(old as string)).toMatchObject({ verdict: 'incompatible', detail: 'wasi:gpio' });
    expect(lines.get(lacking as string)).toMatchObject({ verdict: 'missing-grant', detail: 'wasi:gpio' });
    expect(lines.get(pinned as string)).toMatchObject({ verdict: 'pinned', wave: null, position: null });
    expect(await house.rows(sql`select count(*)::integer as n from rollouts`)).toEqual(before);
    await house.call('DELETE', `/devices/${pinned}/pins/thermo`);
  });

  test('finds a board incompatible that failed its self-test, until it passes', async () => {
    const [board, repaired] = (await house.channelOf('unfit', 2)) as [DeviceId, DeviceId];
    const selfTest = (passed: boolean) => ({
      selfTest: { passed, at: '2026-11-22T10:00:00.000Z', tests: [{ test: 'vectors', passed }] },
    });
    await online(board, selfTest(false));
    await online(repaired, selfTest(true));
    const refused = { kind: 'incompatible', message: 'x', subject: 'self-test vectors' };
    await house.rows(sql`insert into executions (id, device, app, version, state, fault, created, updated)
      values (gen_random_uuid(), ${repaired}, 'thermo', '1.1.0', 'REJECTED',
        ${JSON.stringify(refused)}::jsonb, now(), now())`);
    const { body } = (await house.preview('unfit')) as { body: RolloutPreview };
    expect(body).toMatchObject({ devices: 2, verdicts: { update: 1, incompatible: 1 } });
    const spec = { name: 'x', channel: 'unfit', targets: [{ app: 'thermo', version: '1.1.0' }] };
    const lines = await house.call('POST', '/rollouts/preview/devices', spec, { role: 'operator' });
    expect(lines.body.items).toContainEqual(
      expect.objectContaining({ device: board, verdict: 'incompatible', detail: 'self-test vectors' }),
    );
  });

  test('leaves out whom the order skips', async () => {
    const [first] = await house.channelOf('skipping', 3);
    await online(first as DeviceId);
    const { body } = await house.preview('skipping', { skip: ['silent'] });
    expect(body).toMatchObject({ devices: 1, verdicts: { update: 1, silent: 2 } });
    const { id } = await house.make('skipping', { skip: ['silent'], fingerprint: body.fingerprint });
    expect((await house.membersOf(id)).map(({ device }) => device)).toEqual([first]);
  });

  test('refuses windows and deadlines that make no sense, and says where', async () => {
    await house.channelOf('senseless', 1);
    expect(
      (await house.preview('senseless', { windows: [{ cron: 'every night', minutes: 5 }] })).body,
    ).toMatchObject({
      code: 'request.invalid',
      detail: expect.stringMatching(/^body\/windows\/0\/cron: "every night" is not understood/),
    });
    const deadline = new Date(house.clock.now() - 1).toISOString();
    expect((await house.preview('senseless', { deadline })).body).toMatchObject({
      detail: 'body/deadline: it would be over before the rollout begins.',
    });
  });
});

describe('hours', () => {
  test('devices are started while the window of their own time zone is open', async () => {
    const [here, there] = (await house.channelOf('zones', 2)) as [DeviceId, DeviceId];
    await online(here, { timeZone: 'UTC' });
    await online(there, { timeZone: 'Pacific/Auckland' });
    house.clock.set(Date.parse('2026-11-21T12:00:00.000Z'));
    const { id } = await house.begun('zones', { windows: [{ cron: '0 12 * * *', minutes: 60 }] });
    expect(await house.startedOf(id)).toEqual([here]);
    house.clock.set(Date.parse('2026-11-21T23:30:00.000Z'));
    await house.answer(here, 'SUCCEEDED');
    await house.tick();
    expect(await house.startedOf(id)).toEqual([there]);
    await house.order(id, 'abort');
  });

  test('at its deadline it ends, and who has not begun is called off', async () => {
    await house.channelOf('late', 3);
    const deadline = new Date(house.clock.now() + Hours(1)).toISOString();
    const { id } = await house.begun('late', { inFlight: 1, deadline });
    house.clock.advance(Hours(2));
    await house.tick();
    expect(await house.read(id)).toMatchObject({
      state: 'ABORTED',
      reason: 'Its deadline passed before every device was started.',
    });
    expect((await house.membersOf(id)).map(({ state }) => state)).toEqual(Array(3).fill('CANCELED'));
  });
});

describe('a release that may do more than the one before', () => {
  test('waits for the approval of another person, and is shown as a diff', async () => {
    const devices = await house.channelOf('wider', 2);
    const { id } = await house.make('wider', { targets: [{ app: 'thermo', version: '2.0.0' }] });
    expect(await house.read(id)).toMatchObject({ targets: [{ gains: ['random'], loses: [] }] });
    expect((await house.order(id, 'start')).body).toMatchObject({
      state: 'AWAITING_APPROVAL',
      actions: ['approve', 'abort'],
    });
    expect(await house.order(id, 'approve')).toMatchObject({
      status: 403,
      body: { code: 'rollout.same-person' },
    });
    await house.tick();
    expect(await house.startedOf(id)).toEqual([]);
    expect((await house.order(id, 'approve', {}, {}, 'admin')).body).toMatchObject({
      state: 'SCHEDULED',
      approvedBy: 'token:admin',
    });
    await house.tick();
    for (const device of devices) await house.answer(device, 'SUCCEEDED');
    await house.tick();
    expect(await house.read(id)).toMatchObject({ state: 'COMPLETED' });
    // Back to less needs nobody.
    const narrower = await house.make('wider', { targets: [{ app: 'thermo', version: '1.2.0' }] });
    expect(narrower).toMatchObject({ targets: [{ gains: [], loses: ['random'] }] });
    expect((await house.order(narrower.id, 'start')).body).toMatchObject({ state: 'SCHEDULED' });
    await house.order(narrower.id, 'abort');
  });
});

describe('several apps', () => {
  test('a device has succeeded when all have, and has failed as soon as one has', async () => {
    await house.publish('lamp', '1.0.0');
    await house.publish('lamp', '1.1.0');
    const [one, two] = (await house.channelOf('both', 2)) as [DeviceId, DeviceId];
    await house.move('both', 'lamp', '1.0.0');
    for (const device of [one, two]) await house.answer(device, 'SUCCEEDED');
    const targets = [
      { app: 'thermo', version: '1.1.0' },
      { app: 'lamp', version: '1.1.0' },
    ];
    const waves = [{ devices: { of: 'rest' }, gate: { successPercent: 50 } }];
    const { id } = await house.begun('both', { targets, waves });
    await house.answer(one, 'SUCCEEDED');
    await house.rows(sql`update executions set state = 'FAILED', fault = '{"kind":"trap","message":"x"}'
      where device = ${two} and app = 'lamp' and version = '1.1.0'`);
    await house.tick();
    await house.tick();
    expect(await house.read(id)).toMatchObject({ state: 'COMPLETED' });
    expect((await house.membersOf(id)).map(({ device, state, cause }) => [device, state, cause])).toEqual(
      expect.arrayContaining([
        [one, 'SUCCEEDED', null],
        [two, 'FAILED', 'trap'],
      ]),
    );
  });
});

test('a stage has a time limit of its own', async () => {
  const [one, two] = (await house.channelOf('stages', 2)) as [DeviceId, DeviceId];
  const { id } = await house.begun('stages', {
    timeouts: { downloading: 60, preparing: 5 },
    waves: [{ devices: { of: 'rest' }, gate: { successPercent: 0 } }],
  });
  const at = new Date(house.clock.now()).toISOString();
  await house.stage(one, 'downloading');
  await house.stage(two, 'preparing');
  await house.rows(sql`update executions set updated = ${at}::timestamptz where rollout = ${id}`);
  house.clock.advance(Minutes(10));
  await sweepOnce(house.deps);
  await house.tick();
  expect(await house.startedOf(id)).toEqual([one]);
  house.clock.advance(Minutes(55));
  await sweepOnce(house.deps);
  await house.tick();
  expect((await house.membersOf(id)).map(({ state }) => state)).toEqual(['TIMED_OUT', 'TIMED_OUT']);
});

describe('a pin', () => {
  test('keeps one device at a release of its own, whatever channel and rollouts do, until it is taken away', async () => {
    const [pinned, other] = (await house.channelOf('pins', 2)) as [DeviceId, DeviceId];
    const put = await house.call('PUT', `/devices/${pinned}/pins/thermo`, {
      version: '1.2.0',
      reason: 'tries it',
    });
    expect(put).toMatchObject({
      status: 200,
      headers: { etag: '"1"' },
      body: { version: '1.2.0', channel: 'pins', by: 'token:admin', reason: 'tries it' },
    });
    expect(await house.asked([pinned, other])).toEqual(['1.2.0', '1.0.0']);
    const { id } = await house.begun('pins');
    expect((await house.membersOf(id)).map(({ device }) => device)).toEqual([other]);
    await house.answer(other, 'SUCCEEDED');
    await house.tick();
    expect(await house.read(id)).toMatchObject({ state: 'COMPLETED' });
    await sweepOnce(house.deps);
    expect(await house.asked([pinned, other])).toEqual(['1.2.0', '1.1.0']);
    expect((await house.call('GET', '/pins')).body.items).toMatchObject([{ device: pinned, app: 'thermo' }]);
    expect((await house.call('DELETE', `/devices/${pinned}/pins/thermo`)).status).toBe(204);
    expect(await house.asked([pinned, other])).toEqual(['1.1.0', '1.1.0']);
    const told = await house.rows<{ action: string }>(
      sql`select action from audit_events where subject = ${pinned} and action like 'device.%pinned' order by id`,
    );
    expect(told.map(({ action }) => action)).toEqual(['device.pinned', 'device.unpinned']);
    const timeline = await house.rows<{ text: string }>(
      sql`select text from device_events where device = ${pinned} and kind = 'desired' order by id`,
    );
    expect(timeline.map(({ text }) => text)).toEqual([
      'pins asks for thermo 1.0.0',
      'its pin asks for thermo 1.2.0',
      'pins asks for thermo 1.1.0',
    ]);
  });

  test('that is set while a rollout is about the device takes it out of the rollout', async () => {
    const [pinned] = (await house.channelOf('midway', 1)) as [DeviceId];
    const { id } = await house.begun('midway');
    await house.call('PUT', `/devices/${pinned}/pins/thermo`, { version: '1.2.0' });
    await house.tick();
    expect(await house.membersOf(id)).toMatchObject([{ state: 'REMOVED' }]);
    expect(await house.asked([pinned])).toEqual(['1.2.0']);
  });

  test('is refused for what is not there, and of two at the same revision one is told', async () => {
    const [device] = (await house.channelOf('twice', 1)) as [DeviceId];
    const path = `/devices/${device}/pins/thermo`;
    expect((await house.call('PUT', path, { version: '9.9.9' })).body.code).toBe('release.not-found');
    expect(
      (await house.call('PUT', '/devices/d-aaaaaaaaaaaaaaaa/pins/thermo', { version: '1.2.0' })).body.code,
    ).toBe('device.not-found');
    expect((await house.call('DELETE', path)).body.code).toBe('pin.not-found');
    expect((await house.call('PUT', path, { version: '1.2.0' })).status).toBe(200);
    const stale = { headers: { 'if-match': '"7"' } };
    expect((await house.call('PUT', path, { version: '1.1.0' }, stale)).status).toBe(412);
    const answers = await Promise.all(
      ['1.1.0', '1.0.0'].map((version) =>
        house.call('PUT', path, { version }, { headers: { 'if-match': '"1"' } }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
    expect(await house.call('PUT', path, { version: '1.1.0' }, { role: 'viewer' })).toMatchObject({
      status: 403,
    });
  });
});

describe('a rest', () => {
  const LENIENT = { waves: [{ devices: { of: 'rest' }, gate: { successPercent: 0 } }] };

  test('comes over a device that failed three times in a row, and other rollouts pass it by for a day', async () => {
    const [bad, good] = (await house.channelOf('resting', 2)) as [DeviceId, DeviceId];
    for (let round = 0; round < 3; round += 1) {
      const { id } = await house.begun('resting', LENIENT);
      await house.answer(bad, 'ROLLED_BACK', 'probe-failed');
      await house.tick();
      await house.order(id, 'abort');
      house.clock.advance(Minutes(10));
    }
    expect((await house.preview('resting')).body.verdicts).toEqual({ silent: 1, resting: 1 });
    const { id } = await house.begun('resting', LENIENT);
    expect(await house.startedOf(id)).toEqual([good]);
    await house.tick();
    expect(await house.membersOf(id)).toEqual(
      expect.arrayContaining([expect.objectContaining({ device: bad, state: 'CANCELED', cause: 'resting' })]),
    );
    expect((await house.read(id)).waves[0]?.counts).toMatchObject({ withdrawn: 1, failed: 0, causes: {} });
    await house.order(id, 'abort');
    expect((await house.call('DELETE', `/devices/${bad}/rest`)).status).toBe(204);
    expect((await house.call('DELETE', `/devices/${bad}/rest`)).body.code).toBe('device.not-resting');
    const again = await house.begun('resting', LENIENT);
    expect(await house.startedOf(again.id)).toHaveLength(2);
    await house.order(again.id, 'abort');
  });

  test('comes over a device that failed five times in three minutes, though it succeeded in between', async () => {
    const [bad] = (await house.channelOf('burst', 1)) as [DeviceId];
    const past = new Date(house.clock.now() - 60_000).toISOString();
    for (const state of ['FAILED', 'FAILED', 'SUCCEEDED', 'FAILED', 'FAILED', 'SUCCEEDED'])
      await house.rows(sql`insert into executions (id, device, app, version, state, created, updated)
        values (gen_random_uuid(), ${bad}, 'other', '1.0.0', ${state}, ${past}::timestamptz, ${past}::timestamptz)`);
    await house.begun('burst', LENIENT);
    await house.answer(bad, 'FAILED', 'trap');
    await house.tick();
    expect(await house.rows(sql`select why from device_rests where device = ${bad}`)).toEqual([
      { why: 'It failed 5 times in three minutes' },
    ]);
  });
});

describe('the rollback of a completed rollout', () => {
  test('is one call and a rollout of its own, and new devices get the old release again', async () => {
    const devices = await house.channelOf('regretted', 3);
    const { id } = await house.begun('regretted');
    for (const device of devices) await house.answer(device, 'SUCCEEDED');
    await house.tick();
    expect(await house.read(id)).toMatchObject({ state: 'COMPLETED', actions: ['rollback'] });
    const back = await house.order(id, 'rollback', { reason: 'it drains batteries' });
    expect(back).toMatchObject({
      status: 201,
      body: { state: 'SCHEDULED', reverts: id, targets: [{ version: '1.0.0', from: '1.1.0' }] },
    });
    await house.tick();
    expect(await house.asked(devices)).toEqual(Array(3).fill('1.0.0'));
    for (const device of devices) await house.answer(device, 'SUCCEEDED');
    await house.tick();
    expect(await house.read(back.body.id)).toMatchObject({ state: 'COMPLETED' });
    const late = await house.enrol('regretted');
    await assignNewDevice(house.deps, late);
    expect(await house.asked([late])).toEqual(['1.0.0']);
    expect(await house.order(id, 'rollback')).toMatchObject({
      status: 409,
      body: {
        code: 'rollout.transition',
        detail: expect.stringContaining('holds thermo 1.0.0 now, not 1.1.0'),
      },
    });
  });

  test('waits for nobody who is silent: they follow the channel', async () => {
    const [here, away] = (await house.channelOf('sleepy', 2)) as [DeviceId, DeviceId];
    const { id } = await house.begun('sleepy');
    for (const device of [here, away]) await house.answer(device, 'SUCCEEDED');
    await house.tick();
    await online(here);
    const back = (await house.order(id, 'rollback')).body;
    expect((await house.membersOf(back.id)).map(({ device }) => device)).toEqual([here]);
    await house.tick();
    await house.answer(here, 'SUCCEEDED');
    await house.tick();
    expect(await house.read(back.id)).toMatchObject({ state: 'COMPLETED' });
    expect(await house.asked([here, away])).toEqual(['1.0.0', '1.0.0']);
  });

  test('of what was the first release of an app has nothing to go back to', async () => {
    const device = await house.enrol('virgin');
    const { id } = await house.begun('virgin');
    await house.answer(device, 'SUCCEEDED');
    await house.tick();
    expect((await house.order(id, 'rollback')).body).toMatchObject({ code: 'rollout.nothing-before' });
  });
});

test('a soak compares the health of the updated with that of the others, and trips', async () => {
  const devices = await house.channelOf('compared', 6);
  const gate = { soakMinutes: 30, compare: { memoryPercent: 50, minDevices: 2 } };
  const waves = [{ ...CANARY[0], gate }, CANARY[1]];
  const { id } = await house.begun('compared', { waves });
  const canaries = await house.startedOf(id);
  for (const device of canaries) await house.answer(device, 'SUCCEEDED');
  await house.tick();
  expect((await house.read(id)).waves[0]?.state).toBe('SOAKING');
  house.clock.advance(Minutes(5));
  const at = new Date(house.clock.now()).toISOString();
  for (const device of devices) {
    const memoryBytes = canaries.includes(device) ? 9_000_000 : 3_000_000;
    const apps = [{ app: 'thermo', version: '1.1.0', state: 'running', calls: 50, faults: 1, memoryBytes }];
    await house.rows(sql`insert into health_reports (device, received, body)
      values (${device}, ${at}::timestamptz, ${JSON.stringify({ apps })}::jsonb)`);
  }
  expect(await house.read(id)).toMatchObject({
    comparison: {
      updated: { devices: 2, memoryBytes: 9_000_000, faultPercent: 2 },
      others: { devices: 4, memoryBytes: 3_000_000, latencyMs: null },
    },
  });
  await house.tick();
  expect(await house.read(id)).toMatchObject({
    state: 'PAUSED',
    reason: 'Wave 1: memory of updated devices is 200 % above that of the others; at most 50 % may.',
  });
});

test('an order that is repeated with its Idempotency-Key is one order', async () => {
  await house.channelOf('once', 1);
  const spec = { name: 'x', channel: 'once', targets: [{ app: 'thermo', version: '1.1.0' }] };
  const headers = { 'idempotency-key': 'f3b1c0de-0000-4000-8000-000000000001' };
  const [one, two] = [
    await house.call('POST', '/rollouts', spec, { role: 'operator', headers }),
    await house.call('POST', '/rollouts', spec, { role: 'operator', headers }),
  ];
  expect(two.body.id).toBe(one.body.id);
  const start = { 'idempotency-key': 'f3b1c0de-0000-4000-8000-000000000002' };
  expect((await house.order(one.body.id, 'start', {}, start)).status).toBe(200);
  expect((await house.order(one.body.id, 'start', {}, start)).status).toBe(200);
  expect((await house.order(one.body.id, 'start')).body.code).toBe('rollout.transition');
});
