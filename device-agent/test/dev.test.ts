/** The local agent of `wafer dev`, with the real app host, driven as the command drives it. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { AppName, HealthRule, Limits, Version } from '@wafer/protocol';
import { DevEvent, type DevSpec } from '@wafer/protocol/dev';
import { expect, onTestFinished, test } from 'vitest';
import { createRuntime } from '../src/apps/host.ts';
import { runDev } from '../src/dev.ts';
import { puppet, TALK } from './apps/harness.ts';
import { temporaryFolder } from './folder.ts';

const spec: DevSpec = {
  app: AppName.parse('puppet'),
  version: Version.parse('0.0.0-dev.1'),
  world: 'reactor',
  exports: [
    'wafer:app/lifecycle@0.1.0',
    'wafer:app/health@0.1.0',
    'wafer:app/state@0.1.0',
    'wasi:messaging/incoming-handler@0.2.0-draft',
  ],
  grants: TALK,
  config: {},
  secrets: {},
  limits: Limits.parse({ deadlineMs: 300 }),
  isolation: 'shared',
  triggers: {},
  health: HealthRule.parse({ probeWithinMs: 100 }),
};

async function started() {
  const folder = await temporaryFolder();
  const component = join(folder, 'puppet.wasm');
  writeFileSync(component, puppet);
  const input = new PassThrough();
  const events: DevEvent[] = [];
  const ended = runDev({
    input,
    tell: (event) => events.push(DevEvent.parse(event)),
    createRuntime,
    temporary: folder,
    storesFolder: undefined,
  });
  onTestFinished(async () => {
    input.end();
    await ended;
  });
  let id = 0;
  const order = (value: object): number => {
    id += 1;
    input.write(`${JSON.stringify({ id, ...value })}\n`);
    return id;
  };
  const outcome = async (of: number): Promise<DevEvent | undefined> => {
    const find = (): DevEvent | undefined => events.find((event) => 'id' in event && event.id === of);
    await expect.poll(find, { timeout: 20_000 }).toBeDefined();
    return find();
  };
  const load = (more: Partial<DevSpec> = {}) =>
    order({ order: 'load', component, spec: { ...spec, ...more } });
  const send = (action: string, payload = '') => order({ order: 'message', topic: `do/${action}`, payload });
  return { events, folder, input, ended, order, outcome, load, send };
}

const swapped = (cause: string) => ({
  event: 'swapped',
  figures: expect.objectContaining({ cause }) as object,
});

test('a load takes the state over, a restart does not', async () => {
  const { load, send, order, outcome, events } = await started();
  expect(await outcome(load())).toMatchObject(swapped('start'));
  expect(await outcome(send('count'))).toMatchObject({ event: 'delivered' });
  expect(await outcome(load({ config: { release: 'two' } }))).toMatchObject(swapped('release'));
  expect(await outcome(send('count'))).toMatchObject({ event: 'delivered' });
  expect(await outcome(order({ order: 'restart' }))).toMatchObject(swapped('restart'));
  expect(await outcome(send('count'))).toMatchObject({ event: 'delivered' });
  const published = events.flatMap((event) => (event.event === 'publish' ? [event.text] : []));
  expect(published).toEqual([
    '{"count":1,"release":null}',
    '{"count":2,"release":"two"}',
    '{"count":1,"release":"two"}',
  ]);
});

test('a candidate that fails its probe, or hangs, leaves the one that runs as it is', async () => {
  const { load, send, outcome, events } = await started();
  expect(await outcome(load())).toMatchObject(swapped('start'));
  expect(await outcome(send('count'))).toMatchObject({ event: 'delivered' });
  expect(await outcome(load({ config: { check: 'refuse' } }))).toMatchObject({
    event: 'failed',
    serving: true,
    fault: { kind: 'probe-failed', message: expect.stringContaining('feeling bad') as string },
  });
  expect(await outcome(load({ config: { start: 'spin' } }))).toMatchObject({
    event: 'failed',
    serving: true,
    fault: { kind: 'deadline' },
  });
  expect(await outcome(send('count'))).toMatchObject({ event: 'delivered' });
  expect(events.findLast((event) => event.event === 'publish')).toMatchObject({
    text: '{"count":2,"release":null}',
  });
});

test('what cannot be is said with the order that asked for it, and each fault once', async () => {
  const { load, order, send, outcome, events } = await started();
  expect(await outcome(send('count'))).toMatchObject({
    event: 'undelivered',
    fault: { message: 'nothing runs yet' },
  });
  expect(await outcome(order({ order: 'restart' }))).toMatchObject({ event: 'failed', serving: false });
  expect(await outcome(order({ order: 'load', component: '/no/such/file', spec }))).toMatchObject({
    event: 'failed',
    fault: { kind: 'prepare', message: expect.stringContaining('/no/such/file') as string },
  });
  expect(await outcome(load())).toMatchObject(swapped('start'));
  order({ order: 'message', topic: 'elsewhere', payload: '' });
  send('throw', '{"text":"no such thing"}');
  expect(await outcome(send('count'))).toMatchObject({ event: 'delivered' });
  const told = (text: string) => events.filter((event) => JSON.stringify(event).includes(text));
  expect(told('no such thing')).toMatchObject([{ event: 'fault', fault: { kind: 'trap' } }]);
  expect(told('messaging.subscribe')).toMatchObject([
    { event: 'fault', fault: { kind: 'capability-denied', subject: 'messaging.subscribe elsewhere' } },
  ]);
});

test('the end of its input ends it, and its folder goes', async () => {
  const { input, ended, folder, load, outcome } = await started();
  expect(await outcome(load())).toMatchObject(swapped('start'));
  expect(readdirSync(folder)).toHaveLength(2);
  input.end();
  await ended;
  expect(readdirSync(folder)).toEqual(['puppet.wasm']);
});

test('an order that does not fit the schema ends it rather than being guessed at', async () => {
  const input = new PassThrough();
  const temporary = await temporaryFolder();
  const ended = runDev({ input, tell: () => undefined, createRuntime, temporary, storesFolder: undefined });
  input.write('{"order":"fly"}\n');
  await expect(ended).rejects.toThrow(/order/);
});
