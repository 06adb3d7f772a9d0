/** Boards through the API: published runs of the hardware tests, and the fleet by architecture. */
import type { DeviceId, HardwareRun } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fleet, type Fleet } from './releases-fleet.ts';

let house: Fleet;
beforeAll(async () => {
  house = await fleet();
});
afterAll(() => house.close());

const run = (agent: string): HardwareRun => ({
  at: '2026-11-22T10:00:00.000Z',
  agent,
  rigs: [
    {
      rig: 'local',
      kind: 'process',
      arch: 'x64',
      os: 'Linux 6.12',
      node: 'v24.21.0',
      status: 'ran',
      journeys: [{ journey: 'install', outcome: 'passed', ms: 900 }],
    },
    {
      rig: 'riscv64',
      kind: 'emulated',
      arch: 'riscv64',
      os: 'unknown',
      node: 'unknown',
      status: 'skipped',
      why: 'qemu-user-static is not installed',
      journeys: [{ journey: 'install', outcome: 'skipped' }],
    },
  ],
  digests: ['a'.repeat(64) as HardwareRun['digests'][number]],
  identical: true,
});
const publish = (body: unknown, role: 'viewer' | 'operator' = 'operator') =>
  house.call('POST', '/hardware-runs', body, { role });
const list = async (query = '') =>
  (await house.call('GET', `/hardware-runs${query}`, undefined, { role: 'viewer' })).body;

describe('runs of the hardware tests', () => {
  test('are stored as they were said, are on record, and are listed newest first, page by page', async () => {
    const first = await publish(run('0.1.0'));
    expect(first).toMatchObject({
      status: 201,
      body: { ...run('0.1.0'), by: expect.stringMatching(/^token:/) },
    });
    await publish(run('0.2.0'));
    const page = await list('?limit=1');
    expect(page.items).toMatchObject([{ agent: '0.2.0' }]);
    expect((await list(`?limit=1&cursor=${page.next}`)).items).toEqual([first.body]);
    expect(
      await house.rows(sql`select action, after from audit_events where subject = ${first.body.id}
        and action = 'hardware-run.published'`),
    ).toEqual([
      {
        action: 'hardware-run.published',
        after: { at: '2026-11-22T10:00:00.000Z', agent: '0.1.0', identical: true },
      },
    ]);
  });

  test('are published by operators, and are refused when they are no runs', async () => {
    expect((await publish(run('0.1.0'), 'viewer')).body.code).toBe('auth.forbidden');
    expect((await publish({ ...run('0.1.0'), identical: 'yes' })).body.code).toBe('request.invalid');
  });

  test('are forgotten, oldest first, when there are more than 200', async () => {
    await house.rows(sql`insert into hardware_runs (published, published_by, run)
      select now(), 'x', ${JSON.stringify(run('filler'))}::jsonb from generate_series(1, 250)`);
    await publish(run('last'));
    expect(
      await house.rows(sql`select count(*)::integer as n, max(run->>'agent') as last from hardware_runs`),
    ).toEqual([{ n: 200, last: 'last' }]);
  });
});

test('the fleet is counted by architecture, with the boards that failed and in what', async () => {
  const said = (passed: boolean) => ({
    selfTest: {
      passed,
      at: '2026-11-22T10:00:00.000Z',
      tests: [
        { test: 'digest', passed: true },
        { test: 'vectors', passed },
      ],
    },
  });
  const board = async (
    arch: string,
    name: string,
    inventory: object | null,
    online = true,
  ): Promise<DeviceId> => {
    const id = await house.enrol('stable');
    await house.rows(sql`update devices set arch = ${arch}, name = ${name}, online = ${online},
      inventory = ${inventory === null ? null : JSON.stringify(inventory)}::jsonb where id = ${id}`);
    return id;
  };
  await board('x64', 'pc', said(true));
  await board('riscv64', 'good', said(true), false);
  const bad = await board('riscv64', 'bad', said(false));
  await board('riscv64', 'silent', null);
  const revoked = await board('riscv64', 'gone', said(false));
  await house.rows(sql`update devices set revoked = now() where id = ${revoked}`);
  const { body } = await house.call('GET', '/boards', undefined, { role: 'viewer' });
  expect(body.items).toEqual([
    {
      arch: 'riscv64',
      devices: 3,
      online: 2,
      passed: 1,
      failed: 1,
      unknown: 1,
      failing: [{ id: bad, name: 'bad', tests: ['vectors'] }],
    },
    { arch: 'x64', devices: 1, online: 1, passed: 1, failed: 0, unknown: 0, failing: [] },
  ]);
});
