import { AppName } from '@wafer/protocol';
import { expect, test } from 'vitest';
import { FakeRuntime } from './fake-runtime.ts';
import { admitted, installed, newMachine, THERMO } from './machine.ts';

const ALL_STAGES = [
  'IN_PROGRESS/downloading',
  'IN_PROGRESS/verifying',
  'IN_PROGRESS/preparing',
  'IN_PROGRESS/starting',
  'IN_PROGRESS/probing',
  'IN_PROGRESS/soaking',
];

test('a release goes through every stage, soaks, and succeeds', async () => {
  const { machine, one } = await newMachine();
  const order = admitted(one);
  await machine.orderAndRun(order);
  expect(machine.said(order)).toEqual(ALL_STAGES);
  await machine.pass(2000);
  expect(machine.said(order)).toEqual([...ALL_STAGES, 'SUCCEEDED']);
  expect(machine.runtime.serving('thermo')).toBe('1.0.0');
  expect(machine.defects).toEqual([]);
});

test('the end of an execution carries what the swap cost and what runs', async () => {
  const { machine } = await installed();
  expect(machine.events.at(-1)).toMatchObject({
    state: 'SUCCEEDED',
    runningVersion: '1.0.0',
    swap: { lostCalls: 0 },
  });
});

test('the next release takes over, the one before stays warm until the soak is over', async () => {
  const { machine, two } = await installed();
  await machine.orderAndRun(admitted(two));
  expect([machine.runtime.serving('thermo'), machine.runtime.warm('thermo')]).toEqual(['1.1.0', '1.0.0']);
  await machine.pass(2000);
  expect(machine.runtime.warm('thermo')).toBeUndefined();
});

test('a release that fails its probe is rolled back: the old one served on, and the server learns why', async () => {
  const { machine, two } = await installed();
  machine.runtime.fails('1.1.0', 'probe', 'probe-failed');
  const order = admitted(two);
  await machine.orderAndRun(order);
  expect(machine.said(order).at(-1)).toBe('ROLLED_BACK:probe-failed');
  expect(machine.events.at(-1)).toMatchObject({ runningVersion: '1.0.0' });
  expect(machine.runtime.serving('thermo')).toBe('1.0.0');
});

test('a first release that fails has nothing to go back to: it failed', async () => {
  const { machine, one } = await newMachine();
  machine.runtime.fails('1.0.0', 'start', 'trap');
  const order = admitted(one);
  await machine.orderAndRun(order);
  expect(machine.said(order).at(-1)).toBe('FAILED:trap');
  expect(machine.events.at(-1)).not.toHaveProperty('runningVersion');
});

test('an execution that failed is never tried again; a new one for the same release is', async () => {
  const { machine, two } = await installed();
  machine.runtime.fails('1.1.0', 'probe', 'probe-failed');
  const order = admitted(two);
  await machine.orderAndRun(order);
  machine.runtime.fails('1.1.0', 'probe', undefined);
  const before = machine.runtime.calls.length;
  await machine.pass(600_000);
  await machine.reboot();
  await machine.orderAndRun(order);
  expect(machine.runtime.calls).toEqual([expect.stringMatching('prepare'), 'swap thermo 1.0.0']);
  expect(before).toBeGreaterThan(0);
  await machine.orderAndRun(admitted(two));
  expect(machine.runtime.serving('thermo')).toBe('1.1.0');
});

test('a fault in the soak beyond the rule goes back to the warm release', async () => {
  const { machine, two } = await installed();
  const order = admitted(two);
  await machine.orderAndRun(order);
  machine.watch.fault(THERMO, order.order.version, { kind: 'deadline', message: 'looped' });
  await machine.run();
  expect(machine.said(order).at(-1)).toBe('ROLLED_BACK:deadline');
  expect(machine.events.at(-1)).toMatchObject({ runningVersion: '1.0.0' });
  expect(machine.runtime.calls).toContain('rollback thermo');
  expect(machine.runtime.serving('thermo')).toBe('1.0.0');
});

test('faults that the rule forgives do not end the soak', async () => {
  const { machine, two } = await installed();
  const order = admitted(two, { health: { soakMs: 1000, soakFaults: 1, probeEveryMs: 60_000 } });
  await machine.orderAndRun(order);
  machine.watch.fault(THERMO, order.order.version, { kind: 'trap', message: 'once' });
  await machine.pass(2000);
  expect(machine.said(order).at(-1)).toBe('SUCCEEDED');
});

test('a probe that says no during the soak goes back as unhealthy', async () => {
  const { machine, two } = await installed();
  const order = admitted(two);
  await machine.orderAndRun(order);
  machine.runtime.fails('1.1.0', 'running', 'probe-failed');
  await machine.pass(200);
  await machine.pass(200);
  expect(machine.said(order).at(-1)).toBe('ROLLED_BACK:unhealthy');
});

test('a fault of the release before does not count against the candidate', async () => {
  const { machine, two, first } = await installed();
  const order = admitted(two);
  await machine.orderAndRun(order);
  machine.watch.fault(THERMO, first.order.version, { kind: 'trap', message: 'old' });
  await machine.pass(2000);
  expect(machine.said(order).at(-1)).toBe('SUCCEEDED');
});

test('an altered component ends as a digest fault, and the old release runs on', async () => {
  const { machine, two, repository } = await installed();
  repository.alterChunk = (_, __, bytes) => bytes.fill(0);
  const order = admitted(two);
  await machine.orderAndRun(order);
  expect(machine.said(order).at(-1)).toBe('FAILED:digest');
  expect(machine.runtime.serving('thermo')).toBe('1.0.0');
});

test('one app that fails does not hold up another', async () => {
  const { machine, one, repository } = await newMachine();
  const pump = admitted(repository.publish('pump', '1.0.0'));
  repository.blobs.delete(one.target.sha256);
  const thermo = admitted(one);
  await machine.orderAndRun(thermo, pump);
  await machine.pass(2000);
  expect(machine.said(pump).at(-1)).toBe('SUCCEEDED');
  for (let minute = 0; minute < 5; minute += 1) await machine.pass(60_000);
  expect(machine.said(thermo).at(-1)).toBe('FAILED:link');
});

test('a newer order breaks off a download that nobody wants any more', async () => {
  const { machine, one, two, repository } = await newMachine();
  const real = repository.requests.ask;
  const stuck = Object.assign(repository.requests, {
    ask: (question: Parameters<typeof real>[0], signal?: AbortSignal) =>
      question.want === 'chunk' && question.digest === one.target.sha256
        ? new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
        : real(question, signal),
  });
  expect(stuck).toBe(repository.requests);
  const old = admitted(one);
  machine.order(old);
  machine.runner.wake();
  await expect.poll(() => machine.said(old)).toEqual(['IN_PROGRESS/downloading']);
  const newer = admitted(two);
  await machine.orderAndRun(newer);
  await machine.pass(2000);
  expect(machine.said(old)).toEqual(['IN_PROGRESS/downloading', 'CANCELED']);
  expect(machine.said(newer).at(-1)).toBe('SUCCEEDED');
});

test('a newer order during the soak cancels the older and takes over', async () => {
  const { machine, two, three } = await installed();
  const older = admitted(two);
  await machine.orderAndRun(older);
  const newer = admitted(three);
  await machine.orderAndRun(newer);
  await machine.pass(2000);
  expect(machine.said(older).at(-1)).toBe('CANCELED');
  expect(machine.said(newer).at(-1)).toBe('SUCCEEDED');
  expect(machine.defects).toEqual([]);
});

test('an app that nobody orders any more is removed, files and all', async () => {
  const { machine, one } = await installed();
  await machine.orderAndRun();
  expect(machine.runtime.serving('thermo')).toBeUndefined();
  await machine.run();
  expect(await machine.board.store.has(one.target.sha256)).toBe(false);
});

test('an app that is removed while it is being brought says so', async () => {
  const { machine, one } = await newMachine();
  const order = admitted(one);
  await machine.orderAndRun(order);
  await machine.orderAndRun();
  expect(machine.said(order).at(-1)).toBe('REMOVED');
});

test('the same release under a new execution is installed already', async () => {
  const { machine, one } = await installed();
  const again = admitted(one);
  const swaps = machine.runtime.calls.length;
  await machine.orderAndRun(again);
  expect(machine.said(again)).toEqual(['ALREADY_INSTALLED']);
  expect(machine.runtime.calls.length).toBe(swaps);
  await machine.reboot();
  await machine.orderAndRun(again);
  expect(machine.said(again)).toEqual(['ALREADY_INSTALLED']);
});

test('a release that is installed but did not start is not taken for running under a new execution', async () => {
  const { machine, one } = await installed();
  const runtime = new FakeRuntime();
  runtime.fails('1.0.0', 'start', 'trap');
  await machine.reboot(runtime);
  await machine.orderAndRun(admitted(one));
  expect(runtime.serving('thermo')).toBeUndefined();
  runtime.fails('1.0.0', 'start', undefined);
  await machine.pass(10_000);
  expect(runtime.serving('thermo')).toBe('1.0.0');
});

test('a rejected order is reported once, with its reason, and changes nothing that runs', async () => {
  const { machine, two } = await installed();
  const { order } = admitted(two);
  const fault = { kind: 'policy' as const, message: 'no' };
  await machine.orderAndRun({ kind: 'rejected', order, fault });
  await machine.pass(2000);
  await machine.reboot();
  await machine.orderAndRun({ kind: 'rejected', order, fault });
  expect(machine.said({ kind: 'rejected', order, fault })).toEqual(['REJECTED:policy']);
  expect(machine.runtime.serving('thermo')).toBe('1.0.0');
});

test('a release below a floor that rose stops, and does not come back with a reboot', async () => {
  const { machine, first } = await installed();
  await machine.board.floors.raise(THERMO, 2);
  await machine.run();
  expect(machine.runtime.serving('thermo')).toBeUndefined();
  expect(machine.faults.map(({ kind }) => kind)).toEqual(['policy']);
  await machine.reboot();
  await machine.orderAndRun(first);
  expect(machine.runtime.serving('thermo')).toBeUndefined();
});

test("an owner who forbids what is installed finds it stopped after the agent's restart, and told once", async () => {
  const { machine, first } = await installed();
  machine.policy = { apps: [] };
  await machine.reboot();
  await machine.run();
  await machine.pass(2000);
  expect(machine.runtime.serving('thermo')).toBeUndefined();
  expect(machine.faults).toMatchObject([{ kind: 'policy', subject: 'policy.apps' }]);
  machine.policy = {};
  await machine.reboot();
  await machine.orderAndRun(first);
  expect(machine.runtime.serving('thermo')).toBe('1.0.0');
});

test('a rollback does not go below the floor', async () => {
  const { machine, two } = await installed();
  const order = admitted(two);
  await machine.orderAndRun(order);
  await machine.board.floors.raise(THERMO, 2);
  machine.watch.fault(THERMO, order.order.version, { kind: 'trap', message: 'no' });
  await machine.run();
  expect(machine.said(order).at(-1)).toBe('FAILED:trap');
  expect(machine.runtime.serving('thermo')).toBeUndefined();
});

test('a settled app whose probe keeps failing is started anew', async () => {
  const { machine } = await installed();
  machine.runtime.fails('1.0.0', 'running', 'probe-failed');
  for (let probes = 0; probes < 4; probes += 1) await machine.pass(200);
  expect(machine.runtime.calls).toContain('stop thermo');
  expect(machine.runtime.serving('thermo')).toBe('1.0.0');
  expect(machine.faults.every(({ kind }) => kind === 'unhealthy')).toBe(true);
});

test('a restart that was asked for stops the app and starts it again', async () => {
  const { machine } = await installed();
  machine.board.senses.of(AppName.parse('thermo')).restartAsked = true;
  await machine.run();
  expect(machine.runtime.calls.slice(-2)).toEqual(['stop thermo', 'swap thermo 1.0.0']);
});
