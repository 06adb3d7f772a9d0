/** A result is brought to a server, and is what the server shows of it. */
import { HardwareRun } from '@wafer/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { publishRun } from '../src/publish.ts';
import { LocalFleet } from '../src/local-fleet.ts';

const RUN = HardwareRun.parse({
  at: '2026-11-22T01:00:00.000Z',
  agent: '0.1.0',
  rigs: [
    {
      rig: 'riscv64',
      kind: 'emulated',
      arch: 'riscv64',
      os: 'Debian GNU/Linux forky/sid, emulated by qemu-user',
      node: 'v24.21.0',
      status: 'ran',
      journeys: [{ journey: 'enrol', outcome: 'passed', ms: 1 }],
    },
  ],
  digests: ['a'.repeat(64)],
  identical: true,
});

const fleet = new LocalFleet();
beforeAll(() => fleet.startServer(), 90_000);
afterAll(() => fleet.close());

it('is there for whoever looks', async () => {
  await publishRun(RUN, { WAFER_CREDENTIALS: fleet.server.credentials });
  const { items } = await fleet.api<{ items: unknown[] }>('GET', '/hardware-runs');
  expect(items).toEqual([expect.objectContaining({ rigs: RUN.rigs, digests: RUN.digests, identical: true })]);
});
