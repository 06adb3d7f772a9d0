import {
  deviceTopic,
  guestTopic,
  type AppName,
  type DeviceDetail,
  type DeviceId,
  type HealthReport,
} from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sweepTelemetry } from '../src/telemetry/index.ts';
import { Fleet, TestDevice, fault, hello } from './mqtt-fleet.ts';
import { SOON, next } from './mqtt-link.ts';

let fleet: Fleet;
beforeEach(async () => void (fleet = await Fleet.open()));
afterEach(() => fleet.close());

const connect = async (): Promise<TestDevice> => TestDevice.connect(fleet, await fleet.enrol());
const thermo = 'thermo' as AppName;

const health = (uptimeSeconds: number): HealthReport => ({
  at: '2026-11-21T10:00:00.000Z',
  uptimeSeconds,
  cpu: 0.5,
  memory: { usedBytes: 1, totalBytes: 2 },
  agentBytes: 1,
  disk: { usedBytes: 1, totalBytes: 2 },
  apps: [],
});

const get = async <T>(url: string): Promise<T> => {
  const response = await fleet.app.inject(url);
  expect([response.statusCode, response.body]).toEqual([200, response.body]);
  return response.json<T>();
};
const series = async (id: DeviceId, minutes = 60): Promise<number[]> =>
  (await get<{ items: HealthReport[] }>(`/devices/${id}/health?minutes=${minutes}`)).items.map(
    ({ uptimeSeconds }) => uptimeSeconds,
  );

describe('health', () => {
  it('of many devices is stored, shown, and says that they were seen', async () => {
    const devices = await Promise.all([connect(), connect(), connect()]);
    for (const device of devices) await device.send('hello', hello());
    await expect.poll(() => fleet.rows(sql`select 1 from devices where online`), SOON).toHaveLength(3);
    fleet.clock.advance(5000);
    await Promise.all(devices.map((device, index) => device.send('health', health(index))));
    await expect.poll(() => fleet.rows(sql`select 1 from health_reports`), SOON).toHaveLength(3);
    for (const [index, device] of devices.entries()) {
      expect(await series(device.id)).toEqual([index]);
      const detail = await get<DeviceDetail>(`/devices/${device.id}`);
      expect(detail).toMatchObject({
        latest: { uptimeSeconds: index },
        lastSeen: new Date(fleet.clock.now()).toISOString(),
      });
      expect(fleet.hints).toContainEqual({ type: 'health', device: device.id });
      expect(await fleet.timeline(device.id)).toHaveLength(1);
    }
  });

  it('brings a device back that was taken for silent, with one line in the timeline', async () => {
    const device = await connect();
    await device.send('health', health(1));
    await expect
      .poll(() => fleet.timeline(device.id), SOON)
      .toEqual([{ kind: 'online', state: null, text: 'Heard again' }]);
    fleet.clock.advance(1000);
    await device.send('health', health(2));
    await expect.poll(() => series(device.id), SOON).toEqual([1, 2]);
    expect(await fleet.timeline(device.id)).toHaveLength(1);
  });

  it('that came before the device went does not bring it back', async () => {
    const device = await connect();
    await fleet.rows(sql`insert into device_events (device, at, kind, text)
      values (${device.id}, ${new Date(fleet.clock.now() + 10).toISOString()}::timestamptz, 'offline', 'Offline')`);
    await device.send('health', health(1));
    await expect.poll(() => series(device.id), SOON).toEqual([1]);
    expect(await fleet.rows(sql`select online from devices where id = ${device.id}`)).toEqual([
      { online: false },
    ]);
  });

  it('is thinned to 500 points that keep their order, their ends and the latest of each span', async () => {
    const device = await fleet.enrol();
    const now = new Date(fleet.clock.now()).toISOString();
    await fleet.rows(sql`insert into health_reports (device, received, body)
      select ${device}, ${now}::timestamptz - n * interval '10 seconds', jsonb_set(${JSON.stringify(health(0))}::jsonb, '{uptimeSeconds}', to_jsonb(100000 - n * 10))
      from generate_series(0, 8639) n`);
    const day = await series(device, 24 * 60);
    expect(day.length).toBeLessThanOrEqual(500);
    expect(day.length).toBeGreaterThan(400);
    expect(day).toEqual(day.toSorted((a, b) => a - b));
    expect(day.at(-1)).toBe(100_000);
    expect(await series(device, 10)).toHaveLength(60);
  });

  it('waits while Postgres is away, and is stored when it is back', async () => {
    const device = await connect();
    await fleet.rows(
      sql`create function refuse() returns trigger language plpgsql as $$ begin raise 'away' using errcode = '57P03'; end $$`,
    );
    await fleet.rows(sql`create trigger refuse before insert on health_reports execute function refuse()`);
    await device.send('health', health(1));
    await device.send('health', health(2));
    await new Promise((resolve) => setTimeout(resolve, 400));
    await fleet.rows(sql`drop trigger refuse on health_reports`);
    fleet.clock.advance(1);
    await expect.poll(() => series(device.id), SOON).toHaveLength(1);
  });
});

describe('log lines', () => {
  const log = (lines: string[], dropped = 0) => ({
    app: thermo,
    lines: lines.map((text) => ({ at: new Date(fleet.clock.now()).toISOString(), level: 'info', text })),
    dropped,
  });
  const read = async (
    id: DeviceId,
    query = '',
  ): Promise<{ items: { text: string; level: string }[]; next?: string }> =>
    get(`/devices/${id}/logs${query}`);

  it('are listed newest first, page by page, with what the budget left out', async () => {
    const device = await connect();
    await device.send('log', log(['1', '2', '3']));
    await device.send('log', log(['4'], 17));
    await expect.poll(async () => (await read(device.id)).items, SOON).toHaveLength(5);
    const first = await read(device.id, '?limit=3');
    const second = await read(device.id, `?limit=3&cursor=${first.next}`);
    expect([...first.items, ...second.items].map(({ text }) => text)).toEqual([
      '17 lines were over the budget and are not here',
      '4',
      '3',
      '2',
      '1',
    ]);
    expect(first.items[0]?.level).toBe('warn');
    expect(second.next).toBeUndefined();
  });
});

describe('a guest’s message', () => {
  const publish = (device: TestDevice, topic: string, payload: string | Buffer, app = thermo) =>
    device.client.publishAsync(guestTopic(device.id, app, 'up', topic), payload, { qos: 1 });
  const messages = async (id: DeviceId) =>
    (await get<DeviceDetail>(`/devices/${id}`)).messages.map(({ topic, payload }) => [topic, payload]);

  it('is kept as the last of its topic', async () => {
    const device = await connect();
    for (const payload of ['20', '21', '22']) await publish(device, 'reading/inside', payload);
    await publish(device, 'raw', Buffer.from([0xff, 0x00]));
    await expect
      .poll(() => messages(device.id), SOON)
      .toEqual([
        ['raw', 'data:;base64,/wA='],
        ['reading/inside', '22'],
      ]);
    fleet.clock.advance(1);
    await publish(device, 'reading/inside', '23');
    await expect.poll(() => messages(device.id), SOON).toContainEqual(['reading/inside', '23']);
  });

  it('of another app, another name or another size than an app may have is dropped and counted', async () => {
    const device = await connect();
    await publish(device, 'x', 'y', 'No App' as AppName);
    await publish(device, 'x'.repeat(201), 'y');
    await publish(device, 'big', Buffer.alloc(16 * 1024 + 1));
    await publish(device, 'max', Buffer.alloc(16 * 1024, 'a'));
    await expect.poll(async () => (await messages(device.id)).map(([topic]) => topic), SOON).toEqual(['max']);
    expect(fleet.link.bus.counts()).toEqual({ 'guest-failed': 3 });
  });

  it('finds room for a hundred topics of an app, and for later messages on those', async () => {
    const device = await connect();
    for (let round = 0; round < 2; round += 1) {
      for (let index = 0; index < 80; index += 1) await publish(device, `t/${round}/${index}`, 'first');
      await expect.poll(async () => (await messages(device.id)).length, SOON).toBe(round === 0 ? 80 : 100);
    }
    fleet.clock.advance(1);
    await publish(device, 't/0/0', 'second');
    await publish(device, 'x', 'another app', 'other' as AppName);
    await expect.poll(() => messages(device.id), SOON).toContainEqual(['t/0/0', 'second']);
    await expect.poll(() => messages(device.id), SOON).toHaveLength(101);
  });
});

describe('POST /devices/:id/messages', () => {
  const post = (id: DeviceId, payload: object) =>
    fleet.app.inject({ method: 'POST', url: `/devices/${id}/messages`, payload });

  it('reaches the guest, as text or as bytes, and is audited', async () => {
    const device = await connect();
    await device.client.subscribeAsync(`wafer/v1/d/${device.id}/m/+/down/#`);
    for (const [body, expected] of [
      [{ text: 'on' }, 'on'],
      [{ base64: Buffer.from('off').toString('base64') }, 'off'],
    ] as const) {
      const arrived = next(device.client, 'message');
      const response = await post(device.id, { app: thermo, topic: 'switch/1', ...body });
      expect(response.json()).toEqual({ online: true });
      const [topic, payload] = await arrived;
      expect([topic, String(payload)]).toEqual([guestTopic(device.id, thermo, 'down', 'switch/1'), expected]);
    }
    expect(
      await fleet.rows(sql`select action, subject, after from audit_events where action = 'message.sent'`),
    ).toHaveLength(2);
  });

  it.each([
    { app: thermo, topic: 'a/#', text: 'x' },
    { app: thermo, topic: 'a', text: 'x', base64: 'eA==' },
    { app: thermo, topic: 'a' },
    { app: '../desired', topic: 'a', text: 'x' },
    { app: thermo, topic: 'a', base64: '*' },
  ])('refuses %j', async (payload) => {
    expect((await post(await fleet.enrol(), payload)).json()).toMatchObject({ code: 'request.invalid' });
  });

  it('says when nobody is there to get it, and is refused to viewers', async () => {
    const id = await fleet.enrol();
    expect((await post(id, { app: thermo, topic: 'a', text: 'x' })).json()).toEqual({ online: false });
    fleet.role = 'viewer';
    expect((await post(id, { app: thermo, topic: 'a', text: 'x' })).json()).toMatchObject({
      code: 'auth.forbidden',
    });
  });
});

describe('the sweep', () => {
  it('forgets what is old and what is too much, and nothing that is not', async () => {
    const device = await connect();
    await device.report(1, fault());
    await device.acks.at(1);
    const at = (days: number) =>
      sql`${new Date(fleet.clock.now()).toISOString()}::timestamptz - make_interval(days => ${days}::int)`;
    const body = JSON.stringify(health(1));
    await fleet.rows(
      sql`insert into health_reports select ${device.id}, ${at(13)} - n * interval '1 ms', ${body}::jsonb from generate_series(1, 10) n`,
    );
    await fleet.rows(
      sql`insert into health_reports select ${device.id}, ${at(15)} - n * interval '1 ms', ${body}::jsonb from generate_series(1, 12000) n`,
    );
    await fleet.rows(
      sql`insert into log_lines (device, app, at, level, text) select ${device.id}, 'thermo', ${at(8)}, 'info', 'old'`,
    );
    await fleet.rows(
      sql`insert into log_lines (device, app, at, level, text) select ${device.id}, 'thermo', ${at(0)}, 'info', n::text from generate_series(1, 10050) n`,
    );
    await fleet.rows(
      sql`insert into reports (device, number, event, received) values (${device.id}, 3, '{}', ${at(100)})`,
    );
    await sweepTelemetry(fleet.deps);
    const [left] =
      await fleet.rows(sql`select (select count(*)::int from health_reports) as health, (select count(*)::int from log_lines) as logs,
      (select min(text::int) from log_lines) as oldest, (select count(*)::int from reports) as reports`);
    expect(left).toEqual({ health: 10, logs: 10_000, oldest: 51, reports: 2 });
    fleet.clock.advance(91 * 86_400_000);
    await sweepTelemetry(fleet.deps);
    expect(await fleet.rows(sql`select number::int from reports`)).toEqual([{ number: 3 }]);
    await device.report(1, fault('again'));
    expect(await device.acks.at(2)).toEqual([1, 1]);
    expect(await fleet.timeline(device.id)).toHaveLength(1);
  });
});

it('a message on the device’s own health topic with the wrong shape never becomes a row', async () => {
  const device = await connect();
  await device.client.publishAsync(
    deviceTopic(device.id, 'health'),
    JSON.stringify({ ...health(1), cpu: 7 }),
    { qos: 1 },
  );
  await device.send('health', health(2));
  await expect.poll(() => series(device.id), SOON).toEqual([2]);
});
