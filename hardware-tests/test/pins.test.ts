/**
 * The examples for pins and buses through the whole line: published with their grants, brought over MQTT, run by an
 * agent whose pins and buses are the bus simulator's, with what they say back at the server.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalFleet } from '../src/local-fleet.ts';
import { ROOT } from '../src/root.ts';

const SIMULATOR = join(ROOT, 'device-agent/test/board/simulator.ts');
const hasCompiler = ['clang', 'ld.lld'].every((tool) => spawnSync(tool, ['--version']).status === 0);

const simulator = (...args: string[]): string =>
  execFileSync(process.execPath, [SIMULATOR, ...args], { encoding: 'utf8' });

describe.runIf(hasCompiler)('a board with a lamp, a button and a thermometer', { timeout: 120_000 }, () => {
  const fleet = new LocalFleet();
  const state = join(fleet.folder, 'pins');
  let device: string;

  beforeAll(async () => {
    const library = join(fleet.folder, 'bus-simulator.so');
    simulator('build', library);
    // The lamp shines on the button's line; the LM75 measures 25.5 °C.
    const world = {
      wires: [[17, 27]],
      devices: [[0, 0x48, { registers: { 0: [0x19, 0x80] } }]],
      levels: [[27, 1]],
    };
    simulator('board', state, JSON.stringify(world));
    await fleet.startServer();
    await fleet.mustWafer('keys', 'init', '--no-passphrase');
    for (const app of ['button', 'blink', 'lm75'])
      await fleet.mustWafer(
        'publish',
        join(ROOT, `examples/${app}/${app}.wasm`),
        '--version',
        '1.0.0',
        '--channel',
        'stable',
      );
    const folder = await fleet.enrol('board');
    ({ device } = await fleet.startBoard(folder, { LD_PRELOAD: library, WAFER_BUS_SIMULATOR: state }));
  }, 300_000);
  afterAll(() => fleet.close());

  const said = (topic: string) =>
    fleet.until(
      device,
      topic,
      ({ messages }) => messages.find((message) => message.topic === topic)?.payload,
    );

  it('blinks, which the button feels and the server hears', async () => {
    expect(JSON.parse(await said('telemetry/button'))).toMatchObject({
      presses: expect.any(Number) as number,
    });
    expect(JSON.parse(simulator('line', state, '17'))).toMatchObject({ direction: 'out', requests: 1 });
    expect(JSON.parse(simulator('line', state, '27'))).toMatchObject({
      direction: 'in',
      bias: 'pull-up',
      activeLow: true,
    });
  });

  it('tells its temperature', async () => {
    expect(JSON.parse(await said('telemetry/temperature'))).toEqual({ celsius: 25.5 });
  });

  it('says which pins its apps were granted, and has no fault to tell', async () => {
    const { apps } = await fleet.device(device);
    expect(apps.find(({ app }) => app === 'blink')?.desired?.grants.gpio).toEqual([
      { chip: 0, line: 17, direction: 'out', label: 'lamp' },
    ]);
    expect(apps.flatMap(({ execution }) => execution?.fault ?? [])).toEqual([]);
  });

  it('names the import, the bus and the reason where there is none', async () => {
    const manifest = join(fleet.folder, 'far.yaml');
    const i2c = [{ bus: 99, address: 0x48, access: 'read' }];
    const grants = { i2c, messaging: { publish: ['telemetry/temperature'] }, clock: true };
    const far = { app: 'far', world: 'reactor', grants, config: { bus: '99', address: '0x48' } };
    writeFileSync(manifest, JSON.stringify({ ...far, health: { probeWithinMs: 500 } }));
    const component = join(ROOT, 'examples/lm75/lm75.wasm');
    const release = ['--app', 'far', '--version', '1.0.0', '--channel', 'stable', '--manifest', manifest];
    await fleet.mustWafer('publish', component, ...release);
    const { fault } = await fleet.execution(device, 'far', '1.0.0', ['FAILED', 'SUCCEEDED']);
    expect(fault?.message).toContain('wasi:i2c/i2c#i2c.write-read answered other (');
    expect(fault?.message).toContain('/dev/i2c-99: ENOENT)');
  });
});
