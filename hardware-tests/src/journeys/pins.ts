/**
 * GPIO and I²C behind their grants: a guest blinks a lamp, whose line is tied to a button's, and another reads a
 * thermometer. The pins are the bus simulator's, which stands in for the kernel at the level of its calls, built
 * for the rig's architecture; a real board has no such world around it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { programPath } from '../rigs/debian.ts';
import { ROOT } from '../root.ts';
import type { Scene } from '../scene.ts';
import { HEALTH, LIMITS } from './guests.ts';
import { JourneySkipped, must, type Answers, type Journey } from './journey.ts';

const SIMULATOR = join(ROOT, 'device-agent/test/board/simulator.ts');
const LAMP = '17';
const BUTTON = '27';
/** The LM75's first register holds 25.5 °C. */
const WORLD = {
  wires: [[Number(LAMP), Number(BUTTON)]],
  devices: [[0, 0x48, { registers: { 0: [0x19, 0x80] } }]],
  levels: [[Number(BUTTON), 1]],
};

const simulator = (...args: string[]): string =>
  execFileSync(process.execPath, [SIMULATOR, ...args], { encoding: 'utf8' });

/** An example as it is checked in, with limits that a slow board keeps. */
async function install(scene: Scene, app: string): Promise<void> {
  const folder = join(ROOT, 'examples', app);
  const { limits, ...manifest } = parse(readFileSync(join(folder, 'wafer.yaml'), 'utf8')) as {
    limits: object;
  };
  await scene.install({
    app,
    version: '1.0.0',
    component: readFileSync(join(folder, `${app}.wasm`)),
    manifest: { ...manifest, limits: { ...limits, ...LIMITS }, health: HEALTH },
  });
}

export const pins: Journey = {
  name: 'GPIO and I²C',
  async run(scene): Promise<Answers> {
    const { rig } = scene;
    if (!existsSync(SIMULATOR)) throw new JourneySkipped('the agent gives guests no pins yet');
    if (programPath('clang') === undefined || programPath('ld.lld') === undefined)
      throw new JourneySkipped('the bus simulator is compiled with clang and lld, which are not installed');
    const library = scene.rig.folder('bus-simulator.so');
    const board = scene.rig.folder('pins');
    const [libraryHere, boardHere] = [rig.here(library), rig.here(board)];
    if (libraryHere === undefined || boardHere === undefined)
      throw new JourneySkipped('what is tied to the pins of a real board is not known');

    simulator('build', libraryHere, rig.arch);
    simulator('board', boardHere, JSON.stringify(WORLD));
    await scene.shutDown();
    await scene.boot({ LD_PRELOAD: library, WAFER_BUS_SIMULATOR: board });

    const temperature = await scene.said('lm75', 'telemetry/temperature', () => install(scene, 'lm75'));
    await install(scene, 'button');
    const pressed = await scene.said('button', 'telemetry/button', () => install(scene, 'blink'));
    must((JSON.parse(pressed) as { presses: number }).presses >= 0, 'the button counts nothing');

    const line = (name: string) => JSON.parse(simulator('line', boardHere, name)) as Record<string, unknown>;
    const { direction: out } = line(LAMP);
    const { direction, bias, activeLow } = line(BUTTON);
    return { temperature, lamp: String(out), button: JSON.stringify({ direction, bias, activeLow }) };
  },
};
