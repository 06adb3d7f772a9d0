import { describe, expect, it, test } from 'vitest';
import { refusals } from './admission.ts';
import { gpioLabel, gpioTopic } from './board-names.ts';
import { firstBeyond, Grants } from './grants.ts';

const grants = (value: unknown): Grants => Grants.parse(value);
const LED = { chip: 0, line: 17, direction: 'out' };
const LM75 = { bus: 1, address: 0x48, access: 'read' };

describe('what a policy allows of the hardware', () => {
  const bound = grants({
    gpio: [LED, { chip: 0, line: 27, direction: 'in' }],
    i2c: [LM75, { bus: 1, address: 0x20, access: 'write' }],
    serial: [{ device: '/dev/ttyUSB0' }],
    sensors: [{ kind: 'iio', device: 'iio:device0' }],
  });

  it('covers the same thing, however it is wired or called', () => {
    const wanted = grants({
      gpio: [
        {
          chip: 0,
          line: 27,
          direction: 'in',
          label: 'door',
          activeLow: true,
          bias: 'pull-up',
          edges: 'both',
        },
      ],
      i2c: [{ bus: 1, address: 0x20, access: 'read' }],
      serial: [{ device: '/dev/ttyUSB0', baud: 9600, parity: 'even' }],
      sensors: [{ kind: 'iio', device: 'iio:device0' }],
    });
    expect(firstBeyond(wanted, bound)).toBeUndefined();
  });

  it.each([
    [{ gpio: [{ ...LED, line: 18 }] }, 'gpio 0/18 (out)'],
    [{ gpio: [{ ...LED, chip: 1 }] }, 'gpio 1/17 (out)'],
    [{ gpio: [{ ...LED, line: 27 }] }, 'gpio 0/27 (out)'],
    [{ i2c: [{ ...LM75, access: 'write' }] }, 'i2c 1/0x48 (write)'],
    [{ i2c: [{ ...LM75, bus: 0 }] }, 'i2c 0/0x48 (read)'],
    [{ serial: [{ device: '/dev/ttyS0' }] }, 'serial /dev/ttyS0'],
    [{ sensors: [{ kind: 'onewire', device: '28-0316a2795aff' }] }, 'sensors onewire 28-0316a2795aff'],
  ])('names %j', (wanted: object, name: string) => expect(firstBeyond(grants(wanted), bound)).toBe(name));
});

test.each([
  [{ gpio: [LED, { ...LED, direction: 'in' }] }, 'a line twice'],
  [
    {
      gpio: [
        { ...LED, label: 'x' },
        { ...LED, line: 18, label: 'x' },
      ],
    },
    'a label twice',
  ],
  [{ gpio: [{ ...LED, edges: 'both' }] }, 'edges of an output'],
  [{ gpio: [{ ...LED, label: 'a/b' }] }, 'a label with a level'],
  [{ i2c: [{ ...LM75, address: 0x03 }] }, 'a reserved address'],
  [{ i2c: [{ ...LM75, address: 0x78 }] }, 'an address of ten bits'],
  [{ i2c: [LM75, { ...LM75, access: 'write' }] }, 'an address twice'],
  [{ serial: [{ device: '/dev/watchdog' }] }, 'what is no serial line'],
  [{ serial: [{ device: '/dev/serial/by-id/../../mem' }] }, 'a path that leads elsewhere'],
  [{ serial: [{ device: '/dev/tty0' }] }, 'a console'],
  [{ sensors: [{ kind: 'iio', device: '../x' }] }, 'a sensor by a path'],
])('%j is no grant: %s', (value: object, what: string) =>
  expect(Grants.safeParse(value).success, what).toBe(false),
);

test('a line is called by its label, or by where it is', () => {
  expect(gpioLabel({ chip: 0, line: 17 })).toBe('0/17');
  expect(gpioTopic(gpioLabel({ chip: 0, line: 17, label: 'door' }))).toBe('$gpio/door');
});

test('each interface of the hardware needs its own grant, and is served in one version', () => {
  const all = grants({ gpio: [LED], i2c: [LM75] });
  const served = [
    'wasi:gpio/digital@0.2.0',
    'wasi:gpio/poll@0.2.0',
    'wasi:i2c/i2c@0.2.0-draft',
    'wafer:board/i2c-buses@0.1.0',
  ];
  expect(refusals(served, all)).toEqual([]);
  expect(refusals(served, {}).map(({ grant }) => grant)).toEqual(['gpio', 'gpio', 'i2c', 'i2c']);
  expect(refusals(['wafer:board/serial@0.1.0', 'wafer:board/sensors@0.1.0'], all)).toEqual([
    { import: 'wafer:board/serial@0.1.0', grant: 'serial' },
    { import: 'wafer:board/sensors@0.1.0', grant: 'sensors' },
  ]);
  const others = [
    'wasi:gpio/digital@0.2.1',
    'wasi:i2c/i2c@0.2.0',
    'wasi:i2c/delay@0.2.0-draft',
    'wafer:board/spi@0.1.0',
  ];
  expect(refusals(others, all)).toEqual(others.map((name) => ({ import: name })));
});
