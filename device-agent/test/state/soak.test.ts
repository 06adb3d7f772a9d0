/** What the soak makes of comparisons and faults, and what is told of starts that fail. */
import { HealthRule, Version, type FaultKind } from '@wafer/protocol';
import { expect, test } from 'vitest';
import type { ReleaseFigures } from '../../src/apps/runtime.ts';
import { appsHealth } from '../../src/state/health.ts';
import { admitted, installed, newMachine, THERMO } from './machine.ts';

const figures = (version: string, p90Ms: number): ReleaseFigures => ({
  version: Version.parse(version),
  calls: 50,
  faults: 0,
  p90Ms,
  memoryBytes: 1_000_000,
});

test('a release that does worse than the one before goes back, whatever number of faults is forgiven', async () => {
  const { machine, two } = await installed();
  const order = admitted(two, { health: { soakMs: 60_000, soakFaults: 100 } });
  await machine.orderAndRun(order);
  machine.runtime.compared = { now: figures('1.1.0', 30), before: figures('1.0.0', 6.6) };
  await machine.pass(1000);
  expect(machine.said(order).at(-1)).toBe('IN_PROGRESS/soaking');
  machine.runtime.compared = { now: figures('1.1.0', 41), before: figures('1.0.0', 6.6) };
  await machine.pass(1000);
  expect(machine.events.at(-1)).toMatchObject({
    state: 'ROLLED_BACK',
    runningVersion: '1.0.0',
    swap: { cause: 'rollback' },
    fault: {
      kind: 'unhealthy',
      subject: 'maxLatencyPercent',
      message: 'p90 latency 41 ms, 6.2 times the 6.6 ms of 1.0.0; the rule allows 5 times',
    },
  });
  expect(machine.runtime.carried).toBe(false);
});

test('after the soak nothing is compared any more', async () => {
  const { machine, two } = await installed();
  const order = admitted(two);
  await machine.orderAndRun(order);
  await machine.pass(2000);
  machine.runtime.compared = { now: figures('1.1.0', 4000), before: figures('1.0.0', 6.6) };
  await machine.pass(1000);
  expect(machine.said(order).at(-1)).toBe('SUCCEEDED');
});

test.each<[FaultKind, boolean]>([
  ['trap', false],
  ['deadline', false],
  ['capability-denied', true],
])('the state of a release that goes back for %s is taken along: %s', async (kind, isCarried) => {
  const { machine, two } = await installed();
  const order = admitted(two);
  await machine.orderAndRun(order);
  machine.watch.fault(THERMO, order.order.version, { kind, message: 'so it went' });
  await machine.run();
  expect(machine.said(order).at(-1)).toBe(`ROLLED_BACK:${kind}`);
  expect(machine.runtime.carried).toBe(isCarried);
});

test('one fault that shakes belief is enough, among others that do not', async () => {
  const { machine, two } = await installed();
  const health = HealthRule.parse({ soakMs: 60_000, soakFaults: 1 });
  const order = admitted(two, { health });
  await machine.orderAndRun(order);
  for (const kind of ['capability-denied', 'trap'] as const) {
    machine.watch.fault(THERMO, order.order.version, { kind, message: 'so it went' });
  }
  await machine.run();
  expect(machine.said(order).at(-1)).toBe('ROLLED_BACK:capability-denied');
  expect(machine.runtime.carried).toBe(false);
});

test('a swap that fails says how far it came and what that took', async () => {
  const { machine, one, two } = await newMachine();
  machine.runtime.fails('1.0.0', 'start', 'trap');
  await machine.orderAndRun(admitted(one));
  expect(machine.events.at(-1)).toMatchObject({ state: 'FAILED', swap: { cause: 'release', startMs: 1 } });
  expect(machine.events.at(-1)).not.toHaveProperty('swap.probeMs');
  machine.runtime.fails('1.1.0', 'probe', 'probe-failed');
  await machine.orderAndRun(admitted(two));
  expect(machine.events.at(-1)).toMatchObject({ state: 'FAILED', swap: { startMs: 1, probeMs: 1 } });
});

test('a start after a boot and a restart say that they are', async () => {
  const { machine } = await installed();
  await machine.reboot();
  await machine.run();
  machine.board.senses.of(THERMO).restartAsked = true;
  await machine.run();
  expect(machine.runtime.causes).toEqual(['start', 'restart']);
});

test('what does not start any more is one crash loop, and in the health report until it starts', async () => {
  const { machine } = await installed();
  await machine.reboot();
  machine.runtime.fails('1.0.0', 'start', 'trap');
  for (let pass = 0; pass < 10; pass += 1) await machine.pass(600_000);
  expect(machine.faults.map(({ kind }) => kind)).toEqual(['trap', 'trap', 'trap', 'trap', 'crash-loop']);
  const [health] = appsHealth(machine.board);
  expect(health).toMatchObject({ app: 'thermo', version: '1.0.0', state: 'failed' });
  expect(health!.crashLoop!.failures).toBeGreaterThanOrEqual(10);
  expect(Date.parse(health!.crashLoop!.nextTryAt)).toBeGreaterThan(machine.now);

  machine.runtime.fails('1.0.0', 'start', undefined);
  await machine.pass(600_000);
  expect(appsHealth(machine.board)).toMatchObject([{ state: 'running' }]);
});
