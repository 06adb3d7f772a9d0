/**
 * Rollouts by the command line alone, on boards that run: one that is let through wave by wave, one whose
 * release is bad and goes back by itself, and one that people stop. A third board was enrolled and never
 * came.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalFleet } from '../src/local-fleet.ts';
import { ROOT } from '../src/root.ts';

const fleet = new LocalFleet();
let boards: string[];

const publish = (version: string, ...where: string[]) =>
  fleet.mustWafer(
    'publish',
    join(ROOT, `examples/thermo/thermo-${version}.wasm`),
    '--app',
    'thermo',
    '--version',
    version,
    ...where,
  );

beforeAll(async () => {
  await fleet.startServer();
  await fleet.mustWafer('keys', 'init', '--no-passphrase');
  await publish('1.0.0', '--channel', 'stable');
  await publish('1.1.0', '--no-channel');
  await publish('1.2.0', '--no-channel');
  await fleet.enrol('absent');
  boards = await Promise.all(
    ['one', 'two'].map(async (name) => (await fleet.startBoard(await fleet.enrol(name))).device),
  );
  await Promise.all(boards.map((device) => fleet.execution(device, 'thermo', '1.0.0', ['SUCCEEDED'])));
}, 180_000);
afterAll(() => fleet.close(), 30_000);

const running = (): Promise<(string | undefined)[]> =>
  Promise.all(
    boards.map(
      async (device) =>
        (await fleet.device(device)).apps.find(({ app }) => app === 'thermo')?.running?.version,
    ),
  );

/** Options of create and preview: one board, and then the other; what never came is left out. */
function planOf(version: string, more: object = {}): string[] {
  const file = join(fleet.folder, `to-${version}.json`);
  const health = { probeWithinMs: 5000, soakMs: 500 };
  const plan = {
    targets: [{ app: 'thermo', version, health }],
    waves: [
      { devices: { of: 'count', count: 1 }, gate: { successPercent: 100, ...more } },
      { devices: { of: 'rest' } },
    ],
    skip: ['silent'],
  };
  writeFileSync(file, JSON.stringify({ name: `thermo ${version}`, ...plan }));
  return ['stable', '--file', file];
}

it('is previewed: every device has its verdict, and what is stored is what was shown', async () => {
  const plan = planOf('1.1.0');
  expect(await fleet.mustWafer('rollout', 'preview', ...plan)).toMatchObject({
    devices: 2,
    verdicts: { update: 2, silent: 1 },
    waves: [{ devices: 1 }, { devices: 1 }],
  });
  const lines = await fleet.mustWafer('rollout', 'preview', ...plan, '--devices');
  expect(lines).toMatchObject([
    { verdict: 'update', wave: 0 },
    { verdict: 'update', wave: 1 },
    { verdict: 'silent', wave: null, bytes: expect.any(Number) as number },
  ]);
  expect(await fleet.wafer('rollout', 'create', ...plan, '--fingerprint', 'another')).toMatchObject({
    code: 5,
    answer: { code: 'rollout.changed' },
  });
});

it('goes wave by wave, waits for a person between them, and is completed', { timeout: 120_000 }, async () => {
  const first = await fleet.wafer(
    'rollout',
    'create',
    ...planOf('1.1.0', { approval: true }),
    '--start',
    '--wait',
  );
  expect(first).toMatchObject({ code: 7, answer: { code: 'rollout.stopped' } });
  expect(first.answer['detail']).toMatch(/rollout 1 is RUNNING: it waits for an approval/);
  expect(new Set(await running())).toEqual(new Set(['1.0.0', '1.1.0']));
  expect(await fleet.wafer('rollout', 'approve', '1', '--wait')).toMatchObject({
    code: 0,
    answer: { state: 'COMPLETED', number: 1 },
  });
  expect(await running()).toEqual(['1.1.0', '1.1.0']);
  expect(await fleet.mustWafer('channel', 'show', 'stable')).toMatchObject({
    apps: [{ app: 'thermo', version: '1.1.0' }],
  });
  expect(await fleet.mustWafer('rollout', 'devices', '1')).toMatchObject([
    { wave: 0, state: 'SUCCEEDED' },
    { wave: 1, state: 'SUCCEEDED' },
  ]);
});

/** Somebody else who may approve; gives the file that signs him in. */
async function anotherOperator(): Promise<string> {
  const { token } = await fleet.api<{ token: string }>('POST', '/tokens', {
    name: 'other',
    role: 'operator',
  });
  const file = join(fleet.folder, 'other.json');
  writeFileSync(file, JSON.stringify({ api: fleet.server.dashboard, token }));
  return file;
}

it('that widens what a release may do waits for the approval of another person', async () => {
  const plan = planOf('1.2.0', { onTrip: 'rollback' });
  const run = await fleet.wafer('rollout', 'create', ...plan, '--start', '--wait');
  expect(run).toMatchObject({ code: 7 });
  expect(run.answer['detail']).toMatch(/rollout 2 is AWAITING_APPROVAL/);
  const { targets } = await fleet.mustWafer('rollout', 'show', '2');
  expect(targets).toMatchObject([{ app: 'thermo', from: '1.1.0', gains: [expect.any(String)] }]);
  expect(await fleet.wafer('rollout', 'approve', '2')).toMatchObject({
    code: 3,
    answer: { code: 'rollout.same-person' },
  });
}, 90_000);

it('whose release fails its probe goes back by itself, and the next board is never asked', async () => {
  const run = await fleet.waferAs(await anotherOperator(), 'rollout', 'approve', '2', '--wait');
  expect(run).toMatchObject({ code: 7, answer: { code: 'rollout.stopped' } });
  expect(run.answer['detail']).toMatch(/rollout 2 is ROLLED_BACK: Wave 1: 1 of 1 failed; 100 % must succeed/);
  expect(await running()).toEqual(['1.1.0', '1.1.0']);
  expect(await fleet.mustWafer('rollout', 'devices', '2', '--cause', 'probe-failed')).toHaveLength(1);
  const { items } = await fleet.api<{ items: unknown[] }>('GET', '/executions?app=thermo');
  expect(items.filter((one) => (one as { version: string }).version === '1.2.0')).toHaveLength(1);
}, 90_000);

it('starts nobody outside its windows, and people pause it, go on with it and end it, whoever restarts the server', async () => {
  const later = new Date(Date.now() + 12 * 3_600_000);
  const window = `0 ${later.getUTCHours()} * * *+1h@UTC`;
  const made = await fleet.mustWafer('rollout', 'create', ...planOf('1.0.0'), '--window', window, '--start');
  const number = String(made['number']);
  const order = (action: string, ...more: string[]) =>
    fleet.wafer('rollout', action, number, '--reason', 'as a test', ...more);
  const becomes = async (state: string): Promise<void> => {
    await expect
      .poll(async () => (await fleet.mustWafer('rollout', 'show', number))['state'], { timeout: 30_000 })
      .toBe(state);
  };
  await becomes('RUNNING');
  expect(await order('pause')).toMatchObject({ code: 0, answer: { state: 'PAUSED', reason: 'as a test' } });
  const waiting = order('resume', '--wait');
  await becomes('RUNNING');
  await fleet.stopServer();
  await fleet.startServer();
  expect(await order('abort')).toMatchObject({ code: 0, answer: { state: 'ABORTED' } });
  const waited = await waiting;
  expect(waited).toMatchObject({ code: 7, answer: { code: 'rollout.stopped' } });
  expect(waited.answer['detail']).toBe(`rollout ${number} is ABORTED: as a test`);
  expect(await order('retry')).toMatchObject({ code: 5, answer: { code: 'rollout.transition' } });
  expect(await fleet.mustWafer('rollout', 'devices', number, '--state', 'canceled')).toHaveLength(2);
  expect(await running()).toEqual(['1.1.0', '1.1.0']);
}, 120_000);

it('that was completed is taken back by one order, as a rollout of its own', async () => {
  const completed = await fleet.mustWafer('rollout', 'show', '1');
  const back = await fleet.mustWafer('rollout', 'rollback', '1');
  expect(back).toMatchObject({ number: 4, reverts: completed['id'], targets: [{ version: '1.0.0' }] });
  // It is about the board that never came, too, which is waited for until it has timed out.
  await expect.poll(running, { timeout: 60_000 }).toEqual(['1.0.0', '1.0.0']);
}, 90_000);
