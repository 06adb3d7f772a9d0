/** What surrounds the agent's process: environment, arguments, folder, standard input, its very life. */
import { afterAll, beforeAll, expect } from 'vitest';
import { faultOf } from '../apps/harness.ts';
import { attack, sending, Stage } from './stage.ts';

let stage: Stage;
beforeAll(() => {
  process.env['WAFER_TEST_SECRET'] = 'of the host';
  stage = new Stage();
});
afterAll(async () => {
  delete process.env['WAFER_TEST_SECRET'];
  await stage.close();
});

const ENVIRONMENT = ['getEnvironment', 'getArguments', 'initialCwd'] as const;
const look = async (name: (typeof ENVIRONMENT)[number], grants = {}): Promise<unknown> => {
  const app = await stage.enter({ grants });
  const [came] = await stage.steps(app, { on: 'environment', call: name });
  return came!.ok;
};

attack("the agent's environment", async () => {
  expect(await look('getEnvironment')).toEqual([]);
  const granted = await look('getEnvironment', { environment: { REGION: 'eu' } });
  expect(granted).toEqual([['REGION', 'eu']]);
  return 'only what was granted is there';
});

attack("the agent's arguments", async () => {
  expect(process.argv.length).toBeGreaterThan(0);
  expect(await look('getArguments')).toEqual([]);
  expect(await look('getArguments', { arguments: ['one'] })).toEqual(['one']);
  return 'only what was granted is there';
});

attack("the agent's working folder", async () => {
  expect(await look('initialCwd')).toBeNull();
  return 'there is none';
});

attack('folders without a grant', async () => {
  const app = await stage.enter();
  const came = await stage.steps(app, { on: 'preopens', call: 'getDirectories' });
  expect(came).toEqual([{ ok: [] }]);
  return 'there are none';
});

attack('exit, to end the process that runs it', async () => {
  const [app, neighbour] = [await stage.enter(), await stage.enter()];
  for (const tag of ['ok', 'err']) {
    const fault = await faultOf(stage.steps(app, { on: 'exit', call: 'exit', with: [{ tag }] }));
    expect(fault).toMatchObject({ kind: 'trap', subject: `exit ${tag === 'ok' ? 0 : 1}` });
  }
  expect(await stage.steps(neighbour, { on: 'preopens', call: 'getDirectories' })).toEqual([{ ok: [] }]);
  return 'trap: it ends the guest and nothing else';
});

const UNGRANTED = [
  ['clock, monotonic', 'monotonic', 'now', 'wasi:clocks/monotonic-clock#now'],
  ['clock, of the wall', 'wall', 'now', 'wasi:clocks/wall-clock#now'],
  ['randomness', 'random', 'getRandomBytes', 'wasi:random/random#get-random-bytes', 16],
  ['key-value store', 'keyvalue', 'open', 'wasi:keyvalue/store#open', 'default'],
] as const;
for (const [name, on, call, subject, ...given] of UNGRANTED) {
  attack(`${name}, ungranted`, async () => {
    const app = await stage.enter();
    const fault = await faultOf(stage.steps(app, { on, call, with: given }));
    expect(fault).toMatchObject({ kind: 'capability-denied', subject });
    expect(stage.faultsOf(app)).toEqual([`capability-denied: ${subject}`]);
    return `denied: ${subject}`;
  });
}

attack('messages on topics of others', async () => {
  const app = await stage.enter();
  const others = ['secrets/x', 'wafer/v1/d/other/m/app/up/x', '$board/x', '../x'];
  const topics = [...others, 'out/#', '+/x', '', 'out/fine'];
  const came = await stage.steps(app, ...sending(topics));
  const tags = came
    .filter((_, index) => index % 3 === 2)
    .map(({ error }) => (error as { tag: string } | undefined)?.tag);
  const denied = others.map(() => 'permission-denied');
  expect(tags).toEqual([...denied, 'other', 'other', 'other', undefined]);
  const sent = stage.told.published.filter((one) => one.app === app).map(({ topic }) => topic);
  expect(sent).toEqual(['out/fine', 'out/steps']);
  expect(stage.faultsOf(app)).toEqual(others.map((topic) => `capability-denied: messaging.publish ${topic}`));
  return 'denied: messaging.publish secrets/x';
});
