import { UP_LEAVES, deviceTopic, type DeviceId } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SOON } from './mqtt-link.ts';
import { EXECUTION, Fleet, TestDevice, fault, step } from './mqtt-fleet.ts';

let fleet: Fleet;
beforeEach(async () => void (fleet = await Fleet.open()));
afterEach(() => fleet.close());

const connect = async (): Promise<TestDevice> => TestDevice.connect(fleet, await fleet.enrol());

const stored = (device: DeviceId): Promise<{ number: string }[]> =>
  fleet.rows(sql`select number from reports where device = ${device} order by number`);

const execution = async (): Promise<Record<string, unknown> | undefined> =>
  (
    await fleet.rows<Record<string, unknown>>(
      sql`select state, stage, fault, swap, running_version from executions where id = ${EXECUTION}`,
    )
  )[0];

const startExecution = (device: DeviceId, state = 'QUEUED'): Promise<unknown> =>
  fleet.rows(sql`insert into executions (id, device, app, version, state, created, updated)
    values (${EXECUTION}, ${device}, 'thermo', '1.2.0', ${state}, now(), now())`);

const apps = (...list: [app: string, version: string, state?: string][]): object => ({
  kind: 'apps',
  apps: list.map(([app, version, state = 'running']) => ({ app, version, digest: 'a'.repeat(64), state })),
});

const deviceApps = (device: DeviceId): Promise<unknown[]> =>
  fleet.rows(sql`select app, version, state from device_apps where device = ${device} order by app`);

describe('an acknowledgement', () => {
  it('comes only after the report is in Postgres', async () => {
    const device = await connect();
    const other = postgres(fleet.database.url, { max: 1 });
    const locked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const holding = other.begin(async (transaction) => {
      await transaction`lock table reports in access exclusive mode`;
      locked.resolve();
      await release.promise;
    });
    await locked.promise;
    await device.report(1, fault());
    await device.client.publishAsync(deviceTopic(device.id, 'presence'), 'a round trip', { qos: 1 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(device.acks.items).toEqual([]);
    release.resolve();
    await holding;
    expect(await device.acks.at(1)).toEqual([1]);
    expect(await stored(device.id)).toEqual([{ number: '1' }]);
    await other.end();
  });

  it('does not come when the insert fails, and comes when the device sends again', async () => {
    const device = await connect();
    await fleet.rows(
      sql`create function refuse() returns trigger language plpgsql as $$ begin raise 'disk full' using errcode = '53100'; end $$`,
    );
    await fleet.rows(sql`create trigger refuse before insert on device_events execute function refuse()`);
    await device.report(1, fault());
    await expect.poll(() => fleet.link.bus.counts(), SOON).toEqual({ 'report-failed': 1 });
    expect(device.acks.items).toEqual([]);
    expect(await stored(device.id)).toEqual([]);
    await fleet.rows(sql`drop trigger refuse on device_events`);
    await device.report(1, fault());
    expect(await device.acks.at(1)).toEqual([1]);
    expect(await fleet.timeline(device.id)).toHaveLength(1);
  });

  it('names the last number up to which none is missing', async () => {
    const device = await connect();
    await device.report(2, fault());
    await device.acks.at(1);
    await device.report(4, fault());
    await device.acks.at(2);
    await device.report(1, fault());
    await device.acks.at(3);
    await device.report(3, fault());
    expect(await device.acks.at(4)).toEqual([0, 0, 2, 4]);
  });

  it('answers a report that came twice again, which counts once', async () => {
    const device = await connect();
    await device.report(1, fault('first'));
    await device.acks.at(1);
    await device.report(1, fault('first'));
    await device.report(1, fault('with another text'));
    expect(await device.acks.at(3)).toEqual([1, 1, 1]);
    expect((await fleet.timeline(device.id)).map(({ text }) => text)).toEqual(['thermo 1.0.0: trap — first']);
  });

  it('answers many reports at once, each counted once, in order', async () => {
    const devices = await Promise.all([connect(), connect(), connect()]);
    const numbers = Array.from({ length: 60 }, (_, index) => index + 1);
    await Promise.all(
      devices.flatMap((device) =>
        numbers.flatMap((number) => [
          device.report(number, fault(`${number}`)),
          device.report(number, fault(`${number}`)),
        ]),
      ),
    );
    for (const device of devices) {
      await expect.poll(() => device.acks.items.at(-1), SOON).toBe(60);
      const texts = (await fleet.timeline(device.id)).map(({ text }) => text);
      expect(texts).toEqual(numbers.map((number) => `thermo 1.0.0: trap — ${number}`));
    }
  });

  it('answers all reports of one message, and none of a message that has too many', async () => {
    const device = await connect();
    const report = (number: number) => ({
      number,
      event: { at: new Date().toISOString(), ...fault(`fault ${number}`) },
    });
    const numbers = Array.from({ length: 33 }, (_, index) => index + 1);
    await device.send('report', { reports: numbers.map(report) });
    await device.send('report', { reports: numbers.slice(0, 32).map(report) });
    expect(await device.acks.at(1)).toEqual([32]);
    await device.send('report', report(33));
    expect(await device.acks.at(2)).toEqual([32, 33]);
    expect(await stored(device.id)).toHaveLength(33);
  });

  it('does not come for a number that is far from all others', async () => {
    const device = await connect();
    await device.report(2 ** 52, fault());
    expect(await device.acks.at(1)).toEqual([0]);
    expect(await stored(device.id)).toEqual([]);
  });
});

describe('a report about an execution', () => {
  it('moves it, with stage, fault, figures and what runs then, and tells it in words', async () => {
    const device = await connect();
    await startExecution(device.id);
    await device.report(1, step('IN_PROGRESS', { stage: 'downloading' }));
    await device.acks.at(1);
    expect(await execution()).toMatchObject({ state: 'IN_PROGRESS', stage: 'downloading' });
    await device.report(2, step('IN_PROGRESS', { stage: 'probing' }));
    const swap = {
      cause: 'release',
      prepareMs: 1,
      startMs: 2,
      probeMs: 3,
      gapMs: 0.1,
      drainMs: 4,
      lostCalls: 0,
    };
    const cause = { kind: 'probe-failed', message: 'it is too hot', subject: 'x' };
    await device.report(3, step('ROLLED_BACK', { fault: cause, swap, runningVersion: '1.1.0' }));
    await expect.poll(() => device.acks.items.at(-1), SOON).toBe(3);
    expect(await execution()).toEqual({
      state: 'ROLLED_BACK',
      stage: null,
      fault: cause,
      swap,
      running_version: '1.1.0',
    });
    expect(await fleet.timeline(device.id)).toEqual([
      { kind: 'execution', state: 'IN_PROGRESS', text: 'thermo 1.2.0 is downloading' },
      {
        kind: 'execution',
        state: 'ROLLED_BACK',
        text: 'thermo 1.2.0 rolled back to 1.1.0: probe-failed — it is too hot',
      },
    ]);
    expect(fleet.hints).toContainEqual({ type: 'device', device: device.id });
  });

  it('never moves it out of a state that nothing follows', async () => {
    const device = await connect();
    await startExecution(device.id, 'SUCCEEDED');
    await device.report(1, step('FAILED'));
    await device.acks.at(1);
    expect(await execution()).toMatchObject({ state: 'SUCCEEDED' });
  });

  it('says how it ended though the server had given it up for silence', async () => {
    const device = await connect();
    await startExecution(device.id, 'TIMED_OUT');
    await device.report(1, step('IN_PROGRESS', { stage: 'soaking' }));
    await device.acks.at(1);
    expect(await execution()).toMatchObject({ state: 'TIMED_OUT' });
    await device.report(2, step('ROLLED_BACK', { runningVersion: '1.1.0' }));
    await device.acks.at(2);
    expect(await execution()).toMatchObject({ state: 'ROLLED_BACK', running_version: '1.1.0' });
  });

  it.each([
    ['of another device', async () => startExecution(await fleet.enrol()), {}],
    ['that does not exist', async () => undefined, {}],
    ['of another app', (device: DeviceId) => startExecution(device), { app: 'other' }],
    ['of another version', (device: DeviceId) => startExecution(device), { version: '9.9.9' }],
  ])('changes nothing when it is one %s, and is audited', async (_name, prepare, more) => {
    const device = await connect();
    await prepare(device.id);
    const before = await execution();
    await device.report(1, step('SUCCEEDED', more));
    expect(await device.acks.at(1)).toEqual([1]);
    expect(await execution()).toEqual(before);
    expect(await fleet.timeline(device.id)).toEqual([]);
    const audited = await fleet.rows(sql`select actor, action, subject, after from audit_events`);
    expect(audited).toEqual([
      {
        actor: `device:${device.id}`,
        action: 'report.refused',
        subject: device.id,
        after: expect.objectContaining({
          code: 'request.invalid',
          number: 1,
          execution: EXECUTION,
        }) as unknown,
      },
    ]);
  });
});

describe('a report about what runs', () => {
  it('replaces what was known, and is told when it says something new', async () => {
    const device = await connect();
    await device.report(1, apps(['a', '1.0.0'], ['b', '1.0.0']));
    await device.report(2, apps(['b', '1.0.0'], ['a', '1.0.0']));
    await device.report(3, apps(['b', '1.1.0', 'soaking'], ['c', '2.0.0']));
    await expect.poll(() => device.acks.items.at(-1), SOON).toBe(3);
    expect(await deviceApps(device.id)).toEqual([
      { app: 'b', version: '1.1.0', state: 'soaking' },
      { app: 'c', version: '2.0.0', state: 'running' },
    ]);
    expect((await fleet.timeline(device.id)).map(({ text }) => text)).toEqual([
      'has a 1.0.0 (running), b 1.0.0 (running)',
      'has b 1.1.0 (soaking), c 2.0.0 (running)',
    ]);
    await device.report(4, apps());
    await expect.poll(() => device.acks.items.at(-1), SOON).toBe(4);
    expect(await deviceApps(device.id)).toEqual([]);
  });

  it('that comes late does not replace a newer one', async () => {
    const device = await connect();
    await device.report(2, apps(['a', '2.0.0']));
    await device.acks.at(1);
    await device.report(1, apps(['a', '1.0.0']));
    expect(await device.acks.at(2)).toEqual([0, 2]);
    expect(await deviceApps(device.id)).toEqual([{ app: 'a', version: '2.0.0', state: 'running' }]);
  });

  it('that names an app twice is stored once and stops nobody', async () => {
    const [device, neighbour] = [await connect(), await connect()];
    await Promise.all([device.report(1, apps(['a', '1.0.0'], ['a', '2.0.0'])), neighbour.report(1, fault())]);
    await device.acks.at(1);
    await neighbour.acks.at(1);
    expect(await deviceApps(device.id)).toHaveLength(1);
  });
});

describe('input that does not fit', () => {
  const malformed = [
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '{"number":1}',
    '{"number":0,"event":{}}',
    '{"number":1e400}',
    '[['.repeat(20_000),
    '\u0000',
    '{"__proto__":{"number":1}}',
  ];

  it.each(UP_LEAVES)('on %s leaves the server up, the session alone, and nothing stored', async (leaf) => {
    fleet.link.bus.onMessage('request', async () => undefined);
    const device = await connect();
    for (const text of malformed)
      await device.client.publishAsync(deviceTopic(device.id, leaf), text, { qos: 1 });
    await device.client.publishAsync(deviceTopic(device.id, leaf), Buffer.from([0xff, 0xfe, 0xfd]), {
      qos: 1,
    });
    await device.report(1, fault());
    await device.acks.at(1);
    expect(device.client.connected).toBe(true);
    const [counts] = await fleet.rows(sql`select
      (select count(*)::int from reports) as reports, (select count(*)::int from health_reports) as health,
      (select count(*)::int from log_lines) as logs, (select count(*)::int from guest_messages) as guests,
      (select count(*)::int from device_events) as events, (select online from devices where id = ${device.id}) as online`);
    expect(counts).toEqual({ reports: 1, health: 0, logs: 0, guests: 0, events: 1, online: false });
    if (leaf !== 'request')
      expect(fleet.link.bus.counts()).toEqual({ [`${leaf}-failed`]: malformed.length + 1 });
  });

  it('with characters that Postgres cannot store is stored with others in their place', async () => {
    const device = await connect();
    await device.report(1, fault('a\u0000b\ud800c'));
    expect(await device.acks.at(1)).toEqual([1]);
    expect((await fleet.timeline(device.id))[0]?.text).toBe('thermo 1.0.0: trap — a\uFFFDb\uFFFDc');
  });

  it('of a device that is not known any more is not acknowledged, and stops nobody', async () => {
    const [device, neighbour] = [await connect(), await connect()];
    await fleet.rows(sql`delete from devices where id = ${device.id}`);
    await device.report(1, fault());
    await neighbour.report(1, fault());
    await neighbour.acks.at(1);
    expect(device.acks.items).toEqual([]);
    expect(await stored(device.id)).toEqual([]);
  });
});

it('loses no acknowledged report, and doubles none, while Postgres’ backends are killed under load', async () => {
  const devices = await Promise.all([connect(), connect()]);
  const killer = postgres(fleet.database.url, { max: 1 });
  let isDone = false;
  let killed = 0;
  const killing = (async () => {
    while (!isDone) {
      const dead = await killer`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and random() < 0.5`;
      killed += dead.length;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  const total = 150;
  await Promise.all(
    devices.map(async (device) => {
      // As an agent does: what is not acknowledged is sent again.
      while ((device.acks.items.at(-1) ?? 0) < total) {
        const from = (device.acks.items.at(-1) ?? 0) + 1;
        for (let number = from; number <= Math.min(total, from + 19); number += 1)
          await device.report(number, fault(`${number}`));
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
    }),
  );
  isDone = true;
  await killing;
  await killer.end();
  expect(killed).toBeGreaterThan(0);
  for (const device of devices) {
    expect(await stored(device.id)).toHaveLength(total);
    const texts = (await fleet.timeline(device.id)).map(({ text }) => text);
    expect(texts.toSorted()).toEqual(
      Array.from({ length: total }, (_, index) => `thermo 1.0.0: trap — ${index + 1}`).toSorted(),
    );
  }
});
