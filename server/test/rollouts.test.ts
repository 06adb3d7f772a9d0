import { Days, Minutes, Seconds, SignedDesired, isSignedBy, type DeviceId } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { zstdDecompressSync } from 'node:zlib';
import { assignNewDevice, drainOnce, sendDesired, sweepOnce } from '../src/rollouts/index.ts';
import { fleet, newDeviceId, type Fleet } from './releases-fleet.ts';
import { reactor, type Component } from './releases-publisher.ts';

let house: Fleet;
let made: Component;
beforeAll(async () => {
  house = await fleet();
  made = await reactor('thermo 1.0.0', 100_000);
  await house.publish('thermo', '1.0.0', made);
  await house.publish('thermo', '1.1.0');
  await house.publish('other', '1.0.0');
  await house.move('stable', 'thermo', '1.0.0');
});
afterAll(() => house.close());

const last = <T>(list: readonly T[]): T => list.at(-1) as T;
/** Whether a statement of this database waits for a lock of another. */
const isWaiting = async (): Promise<boolean> =>
  (
    await house.rows(sql`select 1 from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%held as materialized (%'`)
  ).length > 0;

const executionsOf = async (device: DeviceId): Promise<string[]> =>
  (
    await house.rows<{ line: string }>(
      sql`select app || ' ' || version || ' ' || state as line from executions where device = ${device} order by created, state`,
    )
  ).map(({ line }) => line);

test('a new device is given what its channels hold, once, however often it asks', async () => {
  const device = await house.enrol('stable');
  expect(await assignNewDevice(house.deps, device)).toBe(true);
  expect(await assignNewDevice(house.deps, device)).toBe(false);
  await Promise.all([1, 2, 3].map(() => assignNewDevice(house.deps, device)));
  expect(await executionsOf(device)).toEqual(['thermo 1.0.0 QUEUED']);
  const [row] = await house.rows(sql`select desired_version from devices where id = ${device}`);
  expect(row).toEqual({ desired_version: 1 });
});

test('two hellos of a new device at the same time make one execution', async () => {
  const device = await house.enrol('stable');
  await Promise.all([1, 2, 3, 4, 5].map(() => assignNewDevice(house.deps, device)));
  expect(await executionsOf(device)).toEqual(['thermo 1.0.0 QUEUED']);
});

test('the desired state is signed by the director, bound to the device, and names the signed target', async () => {
  const device = await house.enrol('stable');
  await assignNewDevice(house.deps, device);
  await sendDesired(house.deps, device);
  const document = SignedDesired.parse(last(house.bus.desiredOf(device)));
  const { keys } = house.publisher.online.director;
  expect(isSignedBy(document.signed, document.signatures, keys)).toBe(true);
  expect(isSignedBy({ ...document.signed, device: newDeviceId() }, document.signatures, keys)).toBe(false);
  expect(document.signed).toMatchObject({ device, version: 1 });
  expect(Date.parse(document.signed.expires)).toBe(house.clock.now() + Days(30));
  expect(document.signed.apps).toMatchObject([
    {
      app: 'thermo',
      channel: 'stable',
      version: '1.0.0',
      counter: 1,
      target: { path: `thermo/1.0.0/${made.digest}.wasm`, sha256: made.digest, length: made.bytes.length },
      grants: { clock: true },
      limits: { memoryMiB: 16 },
    },
  ]);
  expect(last(house.bus.published.filter(({ topic }) => topic.endsWith(`${device}/desired`))).qos).toBe(1);
});

test('a device that was never told anything, or was revoked, is sent nothing', async () => {
  const idle = await house.enrol();
  await sendDesired(house.deps, idle);
  const revoked = await house.enrol('stable');
  await assignNewDevice(house.deps, revoked);
  await house.rows(sql`update devices set revoked = now() where id = ${revoked}`);
  const before = house.bus.desiredOf(revoked).length;
  await sendDesired(house.deps, revoked);
  expect([house.bus.desiredOf(idle).length, house.bus.desiredOf(revoked).length]).toEqual([0, before]);
});

test('a move reaches the broker by itself, and the outbox is empty afterwards', async () => {
  const device = await house.enrol('moving');
  await house.move('moving', 'other', '1.0.0');
  await vi.waitFor(() => expect(last(house.bus.desiredOf(device))?.signed.version).toBe(1), {
    timeout: 5000,
  });
  await vi.waitFor(async () =>
    expect(await house.rows(sql`select 1 from outbox where device = ${device}`)).toEqual([]),
  );
  expect(house.live).toContainEqual({ type: 'device', device });
});

test('what the broker did not take stays in the outbox and is sent once it is back', async () => {
  const device = await house.enrol('outage');
  house.bus.broken = true;
  await house.move('outage', 'other', '1.0.0');
  await expect(drainOnce(house.deps)).rejects.toThrow('the broker is away');
  expect(house.bus.desiredOf(device)).toEqual([]);
  house.bus.broken = false;
  await vi.waitFor(() => expect(house.bus.desiredOf(device).length).toBeGreaterThan(0), { timeout: 5000 });
  await vi.waitFor(async () =>
    expect(await house.rows(sql`select 1 from outbox where device = ${device}`)).toEqual([]),
  );
});

test('the runner outlives killed database backends and sends what was ordered meanwhile', async () => {
  const device = await house.enrol('killed');
  let kills = 0;
  const stop = Date.now() + 1500;
  while (Date.now() < stop) {
    await house
      .rows(
        sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`,
      )
      .then(
        () => (kills += 1),
        () => undefined,
      );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(kills).toBeGreaterThan(0);
  await vi.waitFor(async () => expect((await house.move('killed', 'other', '1.0.0')).status).toBe(200), {
    timeout: 5000,
  });
  await vi.waitFor(() => expect(house.bus.desiredOf(device).length).toBeGreaterThan(0), { timeout: 5000 });
});

test('a silent device times out, and tries again when it comes back', async () => {
  const device = await house.enrol('silent');
  await house.move('silent', 'thermo', '1.0.0');
  house.clock.advance(Minutes(14));
  await sweepOnce(house.deps);
  expect(await executionsOf(device)).toEqual(['thermo 1.0.0 QUEUED']);
  house.clock.advance(Minutes(2));
  await sweepOnce(house.deps);
  expect(await executionsOf(device)).toEqual(['thermo 1.0.0 TIMED_OUT']);
  expect(
    await house.rows(
      sql`select state, text from device_events where device = ${device} and kind = 'execution'`,
    ),
  ).toEqual([{ state: 'TIMED_OUT', text: 'thermo 1.0.0: no news from the device' }]);
  await sweepOnce(house.deps);
  expect(await executionsOf(device)).toHaveLength(1);
  expect(await assignNewDevice(house.deps, device)).toBe(true);
  expect(await executionsOf(device)).toEqual(['thermo 1.0.0 TIMED_OUT', 'thermo 1.0.0 QUEUED']);
});

test('a soak as long as the health rule allows is not silence', async () => {
  const device = await house.enrol('soaking');
  await house.move('soaking', 'thermo', { version: '1.0.0', health: { soakMs: Minutes(60) } });
  house.clock.advance(Minutes(70));
  await sweepOnce(house.deps);
  expect(await executionsOf(device)).toEqual(['thermo 1.0.0 QUEUED']);
  house.clock.advance(Minutes(6));
  await sweepOnce(house.deps);
  expect(await executionsOf(device)).toEqual(['thermo 1.0.0 TIMED_OUT']);
});

test('an app that no channel of the device holds any more is taken back', async () => {
  const device = await house.enrol('leaving');
  await house.move('leaving', 'thermo', '1.0.0');
  await house.rows(sql`update devices set channels = array['staying'] where id = ${device}`);
  expect(await assignNewDevice(house.deps, device)).toBe(true);
  await sendDesired(house.deps, device);
  expect(last(house.bus.desiredOf(device)).signed).toMatchObject({ version: 2, apps: [] });
  expect(await executionsOf(device)).toEqual(['thermo 1.0.0 CANCELED']);
  expect(await assignNewDevice(house.deps, device)).toBe(false);
});

test('another isolation is another order, and reaches the device', async () => {
  const device = await house.enrol('apart');
  await house.move('apart', 'thermo', '1.0.0');
  await house.move('apart', 'thermo', { version: '1.0.0', isolation: 'dedicated' });
  await sendDesired(house.deps, device);
  expect(last(house.bus.desiredOf(device)).signed).toMatchObject({
    version: 2,
    apps: [{ version: '1.0.0', isolation: 'dedicated' }],
  });
});

test('an alignment that began before a move does not undo it', async () => {
  const device = await house.enrol('overtaken');
  await house.move('overtaken', 'thermo', '1.0.0');
  await house.rows(sql`update channel_apps set version = '1.1.0' where channel = 'overtaken'`);
  const other = postgres(house.database.url, { max: 1 });
  let late: Promise<boolean> | undefined;
  await other.begin(async (held) => {
    await held`select 1 from devices where id = ${device} for update`;
    late = assignNewDevice(house.deps, device);
    await vi.waitFor(async () => expect(await isWaiting()).toBe(true));
    await held`update channel_apps set version = '1.2.0' where channel = 'overtaken'`;
    await held`update assignments set version = '1.2.0', execution = gen_random_uuid() where device = ${device}`;
  });
  await other.end();
  expect(await late).toBe(false);
  expect(await house.rows(sql`select version from assignments where device = ${device}`)).toEqual([
    { version: '1.2.0' },
  ]);
  expect(await executionsOf(device)).toEqual(['thermo 1.0.0 QUEUED']);
  await house.rows(sql`delete from assignments where device = ${device}`);
  await house.rows(sql`delete from channel_apps where channel = 'overtaken'`);
});

test('the sweep gives a device what a move and its enrolment missed of each other', async () => {
  const device = await house.enrol('stable');
  await sweepOnce(house.deps);
  expect(await executionsOf(device)).toEqual(['thermo 1.0.0 QUEUED']);
});

test('executions are listed newest first, by device, app and state, in pages', async () => {
  const device = await house.enrol('listed');
  await house.move('listed', 'thermo', '1.0.0');
  house.clock.advance(Seconds(1));
  await house.move('listed', 'thermo', '1.1.0');
  const all = (await house.call('GET', `/executions?device=${device}`, undefined, { role: 'viewer' })).body;
  expect(all.items.map(({ version, state }: Record<string, string>) => `${version} ${state}`)).toEqual([
    '1.1.0 QUEUED',
    '1.0.0 CANCELED',
  ]);
  expect(all.items[0]).toMatchObject({ device, app: 'thermo', fault: null, stage: null });
  const first = (await house.call('GET', `/executions?device=${device}&limit=1`)).body;
  const second = (await house.call('GET', `/executions?device=${device}&limit=1&cursor=${first.next}`)).body;
  expect([...first.items, ...second.items]).toEqual(all.items);
  expect(second).not.toHaveProperty('next');
  expect(
    (await house.call('GET', `/executions?device=${device}&state=CANCELED&app=thermo`)).body.items,
  ).toHaveLength(1);
  expect((await house.call('GET', '/executions?cursor=x')).body).toMatchObject({ code: 'request.invalid' });
  expect((await house.call('GET', '/executions?state=DONE')).body).toMatchObject({ code: 'request.invalid' });
});

test('a device fetches the chunks of what it was told to run, and they are the bytes that were uploaded', async () => {
  const device = await house.enrol('stable');
  await assignNewDevice(house.deps, device);
  const pieces: Buffer[] = [];
  for (let index = 0; index < Math.ceil(made.bytes.length / 32_768); index += 1) {
    const { header, body } = await house.bus.ask(device, { want: 'chunk', digest: made.digest, index });
    expect(header).toMatchObject({ id: 1, status: 'ok' });
    pieces.push(header['encoding'] === 'zstd' ? zstdDecompressSync(body) : body);
  }
  expect(Buffer.concat(pieces).equals(made.bytes)).toBe(true);
  expect(
    (await house.bus.ask(device, { want: 'chunk', digest: made.digest, index: 99 })).header,
  ).toMatchObject({ code: 'not-found' });
});

test('a device fetches no component of others, nor one that only its own reports speak of', async () => {
  const device = await house.enrol('elsewhere');
  const ask = async () =>
    (await house.bus.ask(device, { want: 'chunk', digest: made.digest, index: 0 })).header;
  expect(await ask()).toEqual({ id: 1, status: 'error', code: 'forbidden' });
  await house.rows(sql`insert into device_apps (device, app, version, digest, state, at)
    values (${device}, 'thermo', '1.0.0', ${made.digest}, 'running', now())`);
  expect(await ask()).toMatchObject({ code: 'forbidden' });
  expect(
    (await house.bus.ask(device, { want: 'chunk', digest: 'f'.repeat(64), index: 0 })).header,
  ).toMatchObject({ code: 'forbidden' });
});

test('a device keeps access to the release before, so that it can go back', async () => {
  const device = await house.enrol('back');
  await house.move('back', 'thermo', '1.0.0');
  await house.move('back', 'thermo', '1.1.0');
  expect(
    (await house.bus.ask(device, { want: 'chunk', digest: made.digest, index: 0 })).header,
  ).toMatchObject({ status: 'ok' });
});

test('malformed requests get no answer, or are told so where they say who asks', async () => {
  const device = await house.enrol('stable');
  const before = house.bus.published.length;
  for (const garbage of [
    Buffer.from('{'),
    Buffer.from([0xff, 0]),
    [],
    { want: 'chunk' },
    { id: -1 },
    { id: 'x' },
  ])
    await expect(house.bus.send(device, 'request', garbage)).rejects.toThrow();
  expect(house.bus.published.slice(before).filter(({ topic }) => topic.includes(device))).toEqual([]);
  for (const odd of [
    { want: 'everything' },
    { want: 'metadata', name: '../root.json', offset: 0 },
    { want: 'chunk', digest: 'x', index: 0 },
  ])
    expect((await house.bus.ask(device, odd)).header).toEqual({ id: 1, status: 'error', code: 'invalid' });
});

test('a device that floods with requests is told to wait, and others are not', async () => {
  const [flooder, other] = [await house.enrol('stable'), await house.enrol('stable')];
  const codes = (device: DeviceId): Promise<unknown[]> =>
    Promise.resolve(
      house.bus.published
        .filter(({ topic }) => topic.endsWith(`${device}/response`))
        .map(({ payload }) => JSON.parse(payload.subarray(2, 2 + payload.readUInt16BE(0)).toString()).code),
    );
  const flood = Array.from({ length: 50 }, (_, index) =>
    house.bus.send(flooder, 'request', { id: index + 1, want: 'metadata', name: '1.root.json', offset: 0 }),
  );
  const polite = house.bus.send(other, 'request', {
    id: 1,
    want: 'metadata',
    name: '1.root.json',
    offset: 0,
  });
  await Promise.all([...flood, polite]);
  const told = await codes(flooder);
  expect(told).toHaveLength(50);
  expect(told.filter((code) => code === 'busy')).toHaveLength(34);
  expect(await codes(other)).toEqual([undefined]);
  expect(
    (await house.bus.ask(flooder, { want: 'metadata', name: '1.root.json', offset: 0 })).header,
  ).toMatchObject({ status: 'ok' });
});
