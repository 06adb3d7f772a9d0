/** The examples for pins and buses, as they are checked in, on hardware of a few lines. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startGuest } from './guest.ts';

const component = (name: string) => join(import.meta.dirname, `../${name}/${name}.wasm`);

class Lamp {
  static states: boolean[] = [];
  static get(label: string): Lamp {
    if (label !== 'lamp') throw { tag: 'pin-not-allowed' };
    return new Lamp();
  }
  toggle(): void {
    Lamp.states.push(!(Lamp.states.at(-1) ?? false));
  }
}

/** Registers of an LM75 at 0x48. */
class I2c {
  static registers: Record<number, number[]> = {};
  writeRead(address: number, [register]: Uint8Array, length: bigint): Uint8Array {
    const bytes = address === 0x48 ? I2c.registers[register!] : undefined;
    if (bytes === undefined) throw { tag: 'no-acknowledge', val: 'address' };
    return Uint8Array.from(bytes.slice(0, Number(length)));
  }
}

it('blink turns its lamp over at every tick', async () => {
  const hardware = {
    'wasi:gpio/digital': { StatefulDigitalOutPin: Lamp, DigitalOutPin: Lamp, DigitalInPin: Lamp },
    'wasi:gpio/poll': { Pollable: Lamp, poll: () => new Uint32Array() },
  };
  const { exports } = await startGuest(component('blink'), { preopens: {}, hardware });
  exports['lifecycle']!['start']!();
  for (let tick = 0; tick < 3; tick += 1) exports['timer']!['tick']!();
  expect(Lamp.states).toEqual([true, false, true]);
});

it('button tells each press and release, and how many were lost', async () => {
  const { exports, sent, message } = await startGuest(component('button'), { preopens: {} });
  const handler = exports['incomingHandler'] ?? exports['wasi:messaging/incoming-handler@0.2.0-draft']!;
  for (const [edge, lost] of [
    ['rising', 0],
    ['falling', 0],
    ['rising', 4],
  ])
    handler['handle']!(message(JSON.stringify({ edge, ns: 1, lost }), '$gpio/button'));
  expect(sent.map(({ json }) => json)).toEqual([
    { pressed: true, presses: 1 },
    { pressed: false, presses: 1 },
    { pressed: true, presses: 2, lost: 4 },
  ]);
});

it.each([
  [[0x19, 0x80], 25.5],
  [[0x00, 0x1f], 0],
  [[0xe7, 0x00], -25],
  [[0xff, 0xe0], -0.125],
])('lm75 tells the register %j as %s °C', async (bytes, celsius) => {
  I2c.registers = { 0: bytes };
  const hardware = { 'wafer:board/i2c-buses': { open: () => new I2c() }, 'wasi:i2c/i2c': { I2c } };
  const { exports, sent } = await startGuest(component('lm75'), { preopens: {}, hardware });
  exports['lifecycle']!['start']!();
  exports['health']!['check']!();
  exports['timer']!['tick']!();
  expect(sent).toEqual([{ topic: 'telemetry/temperature', json: { celsius } }]);
});
