/** A rollout over a simulated fleet on a real server: who fails is known beforehand, and the numbers are those. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RolloutView } from '@wafer/protocol';
import type { SimulateEvent, SimulateFigures } from '@wafer/protocol/simulate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalFleet } from '../src/local-fleet.ts';
import { ROOT } from '../src/root.ts';

const DEVICES = 30;
const ARGS = ['--devices', `${DEVICES}`, '--behaviours', 'fail=10%,flapping=10%', '--health', '5s'];
const EXAMPLES = join(ROOT, 'examples/thermo');
const LONG = { timeout: 90_000, interval: 200 };

const fleet = new LocalFleet();
let simulated: Extract<SimulateEvent, { event: 'fleet' }> | undefined;
let figures: SimulateFigures | undefined;

const hear = (event: SimulateEvent): void => {
  if (event.event === 'fleet') simulated = event;
  if (event.event === 'figures') figures = event.figures;
};
const failing = (): number => simulated?.behaviours['fail'] ?? 0;
const publish = (version: string, ...more: string[]) =>
  fleet.mustWafer(
    'publish',
    join(EXAMPLES, `thermo-${version}.wasm`),
    '--app',
    'thermo',
    '--version',
    version,
    ...more,
  );
const rollout = (id: string) => fleet.api<RolloutView>('GET', `/rollouts/${id}`);
const order = (id: string, action: string) => fleet.api('POST', `/rollouts/${id}/${action}`, {});

/** Until nothing more happens by itself. */
async function untilStill(id: string): Promise<RolloutView> {
  for (;;) {
    const view = await rollout(id);
    if (view.state !== 'RUNNING' && view.state !== 'SCHEDULED') return view;
    await sleep(100);
  }
}

beforeAll(async () => {
  await fleet.startServer();
  await fleet.mustWafer('keys', 'init', '--no-passphrase');
  await publish('1.0.0', '--channel', 'stable');
  await fleet.startSimulation(ARGS, hear);
}, 120_000);

afterAll(() => fleet.close());

it('every device has enrolled, and takes what its channel holds', async () => {
  expect(failing()).toBeGreaterThan(0);
  const { items } = await fleet.api<{ items: { tags: Record<string, string>; arch: string }[] }>(
    'GET',
    '/devices?limit=200',
  );
  expect(items).toHaveLength(DEVICES);
  await expect.poll(() => figures?.running, LONG).toEqual({ 'thermo 1.0.0': DEVICES });
}, 100_000);

it('a rollout stops at each failure, and once all are accepted, just those have failed that do', async () => {
  await publish('1.1.0', '--no-channel');
  const { id } = await fleet.api<RolloutView>('POST', '/rollouts', {
    name: 'with some that fail',
    channel: 'stable',
    targets: [{ app: 'thermo', version: '1.1.0', health: { soakMs: 100 } }],
    waves: [{ devices: { of: 'rest' }, gate: { successPercent: 0, errorCount: 1 } }],
    inFlight: 5,
  });
  await order(id, 'start');
  let stops = 0;
  let view = await untilStill(id);
  for (; view.state === 'PAUSED'; view = await untilStill(id)) {
    stops += 1;
    const { counts } = view.waves[0]!;
    expect(counts.failed).toBeGreaterThanOrEqual(stops);
    expect(counts.waiting + counts.started + counts.succeeded + counts.failed).toBe(DEVICES);
    await order(id, 'resume');
  }
  expect(view.state).toBe('COMPLETED');
  expect(stops).toBeGreaterThan(0);
  expect(view.waves[0]!.counts).toMatchObject({
    succeeded: DEVICES - failing(),
    failed: failing(),
    causes: { 'probe-failed': failing() },
  });
  const running = { 'thermo 1.0.0': failing(), 'thermo 1.1.0': DEVICES - failing() };
  await expect.poll(() => figures?.running, LONG).toEqual(running);
}, 240_000);

it('the same fleet comes back: nobody enrols again, and everyone still has what it had', async () => {
  const before = figures?.running;
  await fleet.stopSimulation();
  figures = undefined;
  await fleet.startSimulation(ARGS, hear);
  expect(simulated?.needs).toBe(0);
  await expect.poll(() => figures?.running, LONG).toEqual(before);
}, 120_000);
