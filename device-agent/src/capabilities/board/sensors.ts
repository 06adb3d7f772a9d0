/**
 * What the kernel's own drivers measure, by sysfs: 1-Wire thermometers (w1_slave, with the checksum that the
 * bus gave: Documentation/w1/slaves/w1_therm.rst) and Industrial I/O (ABI/testing/sysfs-bus-iio). Read-only,
 * and only files of the device's own folder.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SensorGrant } from '@wafer/protocol';

export interface Reading {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** It is there, and gave no value. */
class SensorFailed extends Error {
  override readonly name = 'SensorFailed';
}

/** Kind of an IIO channel → what its scaled value is in. */
const UNITS: Readonly<Record<string, string>> = {
  temp: 'm°C',
  humidityrelative: 'm%',
  pressure: 'kPa',
  voltage: 'mV',
  current: 'mA',
  power: 'mW',
  resistance: 'Ω',
  illuminance: 'lx',
  accel: 'm/s²',
  anglvel: 'rad/s',
  magn: 'Gs',
  distance: 'm',
};

const MAX_READINGS = 64;

async function readThermometer(folder: string): Promise<Reading[]> {
  const text = await readFile(join(folder, 'w1_slave'), 'latin1');
  if (!/crc=[0-9a-f]{2} YES/.test(text)) throw new SensorFailed('the checksum of what it sent did not hold');
  const [, value] = /\bt=(-?\d+)/.exec(text) ?? [];
  if (value === undefined) throw new SensorFailed('it is no thermometer');
  return [{ name: 'temp', value: Number(value), unit: 'm°C' }];
}

const CHANNEL = /^in_([a-z]+)(\d*(?:-[a-z]+\d*)?(?:_[a-z]+)?)_(raw|input)$/;

async function readIio(folder: string): Promise<Reading[]> {
  const files = new Set(await readdir(folder));
  const number = async (name: string): Promise<number> => {
    const value = Number((await readFile(join(folder, name), 'latin1')).trim() || NaN);
    if (!Number.isFinite(value)) throw new SensorFailed(`${name} holds no number`);
    return value;
  };
  /** Of the channel itself, or of all of its kind. */
  const shared = async (channel: string, kind: string, what: string, none: number): Promise<number> => {
    const name = [`in_${channel}_${what}`, `in_${kind}_${what}`].find((each) => files.has(each));
    return name === undefined ? none : number(name);
  };
  const readings: Reading[] = [];
  for (const file of [...files].toSorted()) {
    const [, kind, rest = '', form] = CHANNEL.exec(file) ?? [];
    if (kind === undefined || readings.length === MAX_READINGS) continue;
    const channel = `${kind}${rest}`;
    // A processed value comes in the same unit, and is the driver's own word.
    if (form === 'raw' && files.has(`in_${channel}_input`)) continue;
    const value =
      form === 'input'
        ? await number(file)
        : ((await number(file)) + (await shared(channel, kind, 'offset', 0))) *
          (await shared(channel, kind, 'scale', 1));
    readings.push({ name: channel, value, unit: UNITS[kind] ?? '' });
  }
  if (readings.length === 0) throw new SensorFailed('it has no channel that can be read');
  return readings;
}

/** `sys` is where sysfs is mounted. Rejects with `SensorFailed`, or with the file system's own error. */
export function readSensor(sys: string, { kind, device }: SensorGrant): Promise<Reading[]> {
  return kind === 'onewire'
    ? readThermometer(join(sys, 'bus/w1/devices', device))
    : readIio(join(sys, 'bus/iio/devices', device));
}
