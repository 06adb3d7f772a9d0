import { AppName, ReportMessage, type Report, type ReportEvent, Version } from '@wafer/protocol';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Outbox } from '../../src/link/outbox.ts';
import { Reporter } from '../../src/link/reporter.ts';
import { temporaryFolder } from '../folder.ts';

const THERMO = AppName.parse('thermo');
const V1 = Version.parse('1.0.0');
const TRAP = { kind: 'trap' as const, message: 'unreachable' };

async function newReporter() {
  const outbox = await Outbox.open(await temporaryFolder());
  onTestFinished(() => outbox.close());
  const state = {
    now: 1000,
    online: true,
    /** The reports of each message. */
    messages: [] as Report[][],
    get sent() {
      return this.messages.flat();
    },
  };
  const reporter = new Reporter({
    outbox,
    clock: { now: () => state.now },
    send: (message) => state.online && state.messages.push(ReportMessage.parse(JSON.parse(message))) > 0,
    onDiskError: (error) => {
      throw error;
    },
  });
  return { outbox, reporter, state };
}

const execution = (state: 'IN_PROGRESS' | 'FAILED'): ReportEvent => ({
  kind: 'execution',
  at: '2026-11-21T00:00:00.000Z',
  execution: '00000000-0000-4000-8000-000000000000' as never,
  app: THERMO,
  version: V1,
  state,
});

const counts = (reports: readonly Report[]) =>
  reports.flatMap(({ event }) => (event.kind === 'fault' ? event.count : []));

test('a flood of one fault becomes a few reports a minute that count them all', async () => {
  const { outbox, reporter, state } = await newReporter();
  for (let second = 0; second < 60; second += 1) {
    for (let index = 0; index < 100; index += 1) reporter.fault(TRAP, THERMO, V1);
    state.now += 1000;
    reporter.tick();
  }
  state.now += 60_000;
  reporter.tick();
  await vi.waitFor(() => expect(counts(outbox.pending).reduce((a, b) => a + b, 0)).toBe(6000));
  expect(outbox.pending.length).toBeLessThan(12);
});

test('denied uses are told apart by what was denied, each with how often', async () => {
  const { outbox, reporter, state } = await newReporter();
  const denied = (subject: string) => ({ kind: 'capability-denied' as const, message: 'no grant', subject });
  expect(reporter.fault(denied('filesystem /a'), THERMO, V1)).toBe(true);
  expect(reporter.fault(denied('filesystem /b'), THERMO, V1, 5)).toBe(true);
  expect(reporter.fault(denied('filesystem /a'), THERMO, V1, 7)).toBe(false);
  state.now += 60_000;
  reporter.tick();
  const told = () =>
    outbox.pending.map(({ event }) => (event.kind === 'fault' ? [event.fault.subject, event.count] : []));
  await vi.waitFor(() =>
    expect(told()).toEqual([
      ['filesystem /a', 1],
      ['filesystem /b', 5],
      ['filesystem /a', 7],
    ]),
  );
});

test('offline for long, the outbox stays bounded; ends of executions are never dropped', async () => {
  const { outbox, reporter, state } = await newReporter();
  state.online = false;
  for (let index = 0; index < 1000; index += 1) await reporter.deliver(execution('IN_PROGRESS'));
  reporter.note(execution('IN_PROGRESS'));
  reporter.fault(TRAP, THERMO, V1);
  reporter.fault(TRAP, THERMO, V1);
  reporter.apps([]);
  await reporter.deliver(execution('FAILED'));
  expect(outbox.pending).toHaveLength(1001);
  state.online = true;
  reporter.acknowledged({ number: 1001 });
  state.now += 1000;
  reporter.tick();
  await vi.waitFor(() => expect(outbox.pending.map(({ event }) => event.kind)).toEqual(['apps', 'fault']));
  expect(counts(outbox.pending)).toEqual([2]);
});

const numbersOf = (messages: readonly (readonly Report[])[]): number[][] =>
  messages.map((reports) => reports.map(({ number }) => number));

test('the end of an execution goes in one message with the stages that waited, and what runs after it', async () => {
  const { reporter, state } = await newReporter();
  await reporter.deliver(execution('IN_PROGRESS'));
  await reporter.deliver(execution('IN_PROGRESS'));
  await reporter.deliver(execution('FAILED'));
  reporter.apps([]);
  await vi.waitFor(() => expect(numbersOf(state.messages)).toEqual([[1, 2, 3, 4]]));
  expect(state.sent.at(-1)?.event.kind).toBe('apps');
});

test('a stage that no other follows is told within about a second', async () => {
  const { reporter, state } = await newReporter();
  await reporter.deliver(execution('IN_PROGRESS'));
  await vi.waitFor(() => expect(numbersOf(state.messages)).toEqual([[1]]), { timeout: 5000 });
});

test('what is too long for one message goes in several, each report whole', async () => {
  const { reporter, state } = await newReporter();
  const fault = { ...TRAP, message: 'x'.repeat(1500) };
  state.online = false;
  for (let index = 0; index < 52; index += 1)
    await reporter.deliver({ ...execution('FAILED'), fault } as ReportEvent);
  state.online = true;
  reporter.connected();
  expect(state.messages.length).toBeGreaterThan(1);
  expect(state.sent.map(({ number }) => number)).toEqual(Array.from({ length: 32 }, (_, index) => index + 1));
  for (const reports of state.messages) expect(JSON.stringify({ reports }).length).toBeLessThan(64 * 1024);
});

test('no more than a window is sent before the first acknowledgement, and all of it again after a connect', async () => {
  const { outbox, reporter, state } = await newReporter();
  for (let index = 0; index < 50; index += 1) await reporter.deliver(execution('FAILED'));
  await vi.waitFor(() => expect(state.sent).toHaveLength(32));
  reporter.connected();
  expect(state.sent.slice(32).map(({ number }) => number)).toEqual(
    state.sent.slice(0, 32).map(({ number }) => number),
  );
  reporter.acknowledged({ number: 32 });
  expect(state.sent.at(-1)?.number).toBe(50);
  expect(outbox.acked).toBe(32);
});

test('what nobody acknowledges is sent again after a while', async () => {
  const { reporter, state } = await newReporter();
  await reporter.deliver(execution('FAILED'));
  reporter.tick();
  expect(state.sent).toHaveLength(1);
  state.now += 16_000;
  reporter.tick();
  expect(state.sent.map(({ number }) => number)).toEqual([1, 1]);
});

test('what a device runs is said once for each change', async () => {
  const { outbox, reporter } = await newReporter();
  expect([reporter.apps([]), reporter.apps([])]).toEqual([true, false]);
  reporter.tick();
  await vi.waitFor(() => expect(outbox.pending).toHaveLength(1));
});

test('once closed it numbers what still ends, and leaves the sending to the next start', async () => {
  const { outbox, reporter, state } = await newReporter();
  reporter.apps([]);
  reporter.close();
  await reporter.deliver(execution('FAILED'));
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(state.sent).toEqual([]);
  expect(outbox.pending.map(({ event }) => event.kind)).toEqual(['execution']);
});
