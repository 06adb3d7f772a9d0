import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Repository } from '../trust/repository.ts';
import { FakeRuntime } from './fake-runtime.ts';
import { admitted, installed, Machine, newMachine } from './machine.ts';

test('without network, what was installed starts after a reboot', async () => {
  const { machine, repository } = await installed();
  repository.requests.ask = () => Promise.reject(new Error('no network'));
  await machine.reboot();
  await machine.run();
  expect(machine.runtime.serving('thermo')).toBe('1.0.0');
});

test('a component that rotted on disk is fetched again, and then runs', async () => {
  const { machine, one } = await installed();
  await writeFile(machine.store.wholePath(one.target.sha256), 'rotten');
  await machine.reboot();
  await machine.run();
  expect(machine.runtime.serving('thermo')).toBeUndefined();
  await machine.pass(10_000);
  expect(machine.runtime.serving('thermo')).toBe('1.0.0');
});

test('power cut during the start: the old release runs first, then the start is tried again', async () => {
  const { machine, two, first } = await installed();
  const order = admitted(two);
  machine.runtime.duringSwap = () => new Promise(() => {});
  machine.order(order);
  machine.runner.wake();
  await expect.poll(() => machine.said(order).at(-1)).toBe('IN_PROGRESS/starting');
  await machine.reboot();
  await machine.run();
  expect(machine.runtime.serving('thermo')).toBe(first.order.version);
  await machine.orderAndRun(order);
  await machine.pass(2000);
  expect(machine.said(order).at(-1)).toBe('SUCCEEDED');
});

test('a release that takes the agent down at every start is given up as a crash loop', async () => {
  const { machine, two } = await installed();
  const order = admitted(two);
  for (let boots = 0; boots < 3; boots += 1) {
    const runtime = new FakeRuntime();
    runtime.duringSwap = async (spec) => {
      if (spec.version === '1.1.0') await new Promise(() => {});
    };
    await machine.reboot(runtime);
    machine.order(order);
    machine.runner.wake();
    await expect.poll(() => runtime.calls.at(-1)).toBe('swap thermo 1.1.0');
  }
  await machine.reboot();
  await machine.orderAndRun(order);
  expect(machine.said(order).at(-1)).toBe('ROLLED_BACK:crash-loop');
  expect(machine.runtime.serving('thermo')).toBe('1.0.0');
});

test('power cut during the soak: the candidate starts, soaks anew and succeeds', async () => {
  const { machine, two } = await installed();
  const order = admitted(two);
  await machine.orderAndRun(order);
  await machine.reboot();
  machine.now += 500;
  await machine.orderAndRun(order);
  expect(machine.runtime.serving('thermo')).toBe('1.1.0');
  expect(machine.said(order).at(-1)).toBe('IN_PROGRESS/soaking');
  await machine.pass(2000);
  expect(machine.said(order).at(-1)).toBe('SUCCEEDED');
});

test('power cut during the soak, and then it fails: a fresh start of the release before', async () => {
  const { machine, two } = await installed();
  const order = admitted(two);
  await machine.orderAndRun(order);
  const runtime = new FakeRuntime();
  runtime.fails('1.1.0', 'start', 'trap');
  await machine.reboot(runtime);
  await machine.orderAndRun(order);
  expect(machine.said(order).at(-1)).toBe('ROLLED_BACK:trap');
  expect(runtime.serving('thermo')).toBe('1.0.0');
});

test('a candidate that takes the agent down again and again during its soak goes back', async () => {
  const { machine, two } = await installed();
  const order = admitted(two);
  await machine.orderAndRun(order);
  for (let boots = 0; boots < 5; boots += 1) {
    await machine.reboot();
    await machine.orderAndRun(order);
  }
  expect(machine.said(order).at(-1)).toBe('ROLLED_BACK:crash-loop');
  expect(machine.runtime.serving('thermo')).toBe('1.0.0');
});

test('power cut at each write of the journal: every boot comes up, running the old release or the new', async () => {
  const { machine, two, folder } = await installed();
  await machine.orderAndRun(admitted(two));
  for (const slot of ['state.a', 'state.b']) {
    const whole = await readFile(join(folder, slot));
    for (const part of [0, 1, 64, 65, 70, Math.floor(whole.length / 2), whole.length - 1]) {
      await truncate(join(folder, slot), part);
      await machine.reboot();
      await machine.run();
      expect(['1.0.0', '1.1.0']).toContain(machine.runtime.serving('thermo'));
      await writeFile(join(folder, slot), whole);
    }
  }
});

test('a report that the outbox did not get before the cut is handed over after it', async () => {
  const { machine, folder, one } = await newMachine();
  const order = admitted(one);
  const { deliver } = { deliver: machine.events.push.bind(machine.events) };
  machine.events.push = (...events) => {
    if (events.some((event) => event.kind === 'execution' && event.stage === 'soaking')) {
      throw new Error('the power went');
    }
    return deliver(...events);
  };
  await machine.orderAndRun(order);
  expect(machine.said(order)).not.toContain('IN_PROGRESS/soaking');
  machine.events.push = deliver;
  await machine.reboot();
  expect(machine.said(order).at(-1)).toBe('IN_PROGRESS/soaking');
  const again = await Machine.start(folder, new Repository());
  expect(again.events).toEqual([]);
});
