/** Which faults of a candidate count while it soaks. */
import { FAULT_KINDS, speaksAgainstRelease, type Fault } from '@wafer/protocol';
import { expect, test } from 'vitest';
import { admitted, installed, THERMO } from './machine.ts';

const soaking = async (soakFaults = 0) => {
  const { machine, two } = await installed();
  const order = admitted(two, { health: { soakMs: 1000, soakFaults, probeEveryMs: 60_000 } });
  await machine.orderAndRun(order);
  const fault = async (of: Partial<Fault>, count?: number) => {
    machine.watch.fault(THERMO, order.order.version, { kind: 'trap', message: 'so it went', ...of }, count);
    await machine.pass(2000);
    return machine.said(order).at(-1);
  };
  return { machine, fault };
};

const LIMITS = FAULT_KINDS.filter((kind) => kind.endsWith('-limit') && kind !== 'memory-limit');

test.each(LIMITS)('%s alone does not, and is reported all the same', async (kind) => {
  const { machine, fault } = await soaking();
  expect(await fault({ kind }, 1000)).toBe('SUCCEEDED');
  expect(machine.faults.map((one) => one.kind)).toEqual([kind]);
});

test.each(['trap', 'memory-limit', 'deadline', 'capability-denied', 'crash-loop'] as const)(
  '%s does',
  async (kind) => {
    const { fault } = await soaking();
    expect(await fault({ kind })).toBe(`ROLLED_BACK:${kind}`);
  },
);

test('a fault that is told with a number counts as often', async () => {
  expect(await (await soaking(3)).fault({ kind: 'capability-denied' }, 3)).toBe('SUCCEEDED');
  expect(await (await soaking(3)).fault({ kind: 'capability-denied' }, 4)).toBe(
    'ROLLED_BACK:capability-denied',
  );
});

test('what others send to an app that may not have it does not', async () => {
  const { fault } = await soaking();
  expect(await fault({ kind: 'capability-denied', subject: 'messaging.subscribe x' })).toBe('SUCCEEDED');
  expect(
    speaksAgainstRelease({ kind: 'capability-denied', message: '', subject: 'messaging.publish x' }),
  ).toBe(true);
});
