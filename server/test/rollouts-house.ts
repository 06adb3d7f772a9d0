/** Rollouts through the API, the engine and Postgres; devices answer by rows, as reports would write them. */
import type { DeviceId, RolloutView } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { expect } from 'vitest';
import { tickOnce } from '../src/rollouts/engine/index.ts';
import { fleet, type Fleet } from './releases-fleet.ts';

export interface RolloutHouse extends Fleet {
  tick(): Promise<void>;
  /** A channel with `count` devices that run thermo 1.0.0. */
  channelOf(channel: string, count: number): Promise<DeviceId[]>;
  /** What the device's report of its latest execution writes. */
  answer(device: DeviceId, state: string, fault?: string): Promise<void>;
  stage(device: DeviceId, word: string): Promise<unknown>;
  make(channel: string, more?: object): Promise<RolloutView>;
  order(
    id: string,
    action: string,
    body?: object,
    headers?: Record<string, string>,
    role?: 'operator' | 'admin',
  ): ReturnType<Fleet['call']>;
  read(id: string): Promise<RolloutView>;
  /** Made, started and looked at once. */
  begun(channel: string, more?: object): Promise<RolloutView>;
  preview(channel: string, more?: object): ReturnType<Fleet['call']>;
  /** Versions of thermo that they are asked for. */
  asked(devices: readonly DeviceId[]): Promise<string[]>;
  /** Members by state, in the order in which they are started. */
  membersOf(id: string): Promise<{ device: DeviceId; state: string; cause: string | null }[]>;
  startedOf(id: string): Promise<DeviceId[]>;
}

const specOf = (channel: string, more: object): object => ({
  name: `to ${channel}`,
  channel,
  targets: [{ app: 'thermo', version: '1.1.0' }],
  ...more,
});

async function answer(house: Fleet, device: DeviceId, state: string, fault?: string): Promise<void> {
  const at = new Date(house.clock.now()).toISOString();
  await house.rows(sql`update executions set state = ${state}, stage = null, updated = ${at}::timestamptz,
      fault = ${fault === undefined ? null : JSON.stringify({ kind: fault, message: 'x' })}::jsonb
    where id in (select execution from assignments where device = ${device})`);
  if (state !== 'SUCCEEDED' && state !== 'ALREADY_INSTALLED') return;
  await house.rows(sql`insert into device_apps (device, app, version, digest, state, at)
    select a.device, a.app, a.version, r.digest, 'running', ${at}::timestamptz
    from assignments a join releases r on r.app = a.app and r.version = a.version where a.device = ${device}
    on conflict (device, app) do update set version = excluded.version, digest = excluded.digest`);
}

/** A fleet with thermo 1.0.0, 1.1.0 and 1.2.0. */
export async function rolloutHouse(): Promise<RolloutHouse> {
  const house = await fleet();
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) await house.publish('thermo', version);
  const self: RolloutHouse = {
    ...house,
    tick: () => tickOnce(house.deps),
    async channelOf(channel, count) {
      const devices = await Promise.all(Array.from({ length: count }, () => house.enrol(channel)));
      await house.move(channel, 'thermo', '1.0.0');
      for (const device of devices) await answer(house, device, 'SUCCEEDED');
      return devices;
    },
    answer: (...args) => answer(house, ...args),
    stage: (device, word) =>
      house.rows(sql`update executions set state = 'IN_PROGRESS', stage = ${word}
        where id = (select execution from assignments where device = ${device})`),
    async make(channel, more = {}) {
      const made = await house.call('POST', '/rollouts', specOf(channel, more), { role: 'operator' });
      expect(made).toMatchObject({ status: 201, body: { state: 'DRAFT' } });
      return made.body;
    },
    order: (id, action, body = {}, headers = {}, role = 'operator') =>
      house.call('POST', `/rollouts/${id}/${action}`, body, { role, headers }),
    read: async (id) => (await house.call('GET', `/rollouts/${id}`)).body,
    async begun(channel, more = {}) {
      const made = await self.make(channel, more);
      expect((await self.order(made.id, 'start')).body).toMatchObject({ state: 'SCHEDULED' });
      await self.tick();
      return self.read(made.id);
    },
    preview: (channel, more = {}) =>
      house.call('POST', '/rollouts/preview', specOf(channel, more), { role: 'operator' }),
    async asked(devices) {
      const rows = await house.rows<{ device: DeviceId; version: string }>(
        sql`select device, version from assignments where app = 'thermo'`,
      );
      const versions = new Map(rows.map(({ device, version }) => [device, version]));
      return devices.map((device) => versions.get(device) ?? 'nothing');
    },
    membersOf: async (id) => (await house.call('GET', `/rollouts/${id}/devices?limit=200`)).body.items,
    startedOf: async (id) =>
      (await self.membersOf(id)).filter(({ state }) => state === 'IN_PROGRESS').map(({ device }) => device),
  };
  return self;
}

export const CANARY = [{ devices: { of: 'count', count: 2 } }, { devices: { of: 'rest' } }];
