/**
 * Grants to what is soldered or plugged to a board: single GPIO lines, single addresses on an I²C bus,
 * serial ports, sensors. Each names one thing; there is no pattern, and what is not named does not exist for
 * the guest.
 *
 * `label`, `activeLow`, `bias` and `debounceMs` say how this board is wired, `baud` and `parity` what hangs on the line.
 * They are no power, so that no policy caps them.
 */
import { z } from 'zod';
import { boardNames, gpioLabel } from './board-names.ts';

const hasEachOnce =
  <T>(keyOf: (grant: T) => string) =>
  (grants: readonly T[]): boolean =>
    new Set(grants.map(keyOf)).size === grants.length;

/** One line of /dev/gpiochip<chip>, as `gpioinfo` numbers them. */
export const GpioGrant = z
  .strictObject({
    chip: z.number().int().min(0).max(255),
    line: z.number().int().min(0).max(1023),
    direction: z.enum(['in', 'out']),
    /** What the guest calls it; `<chip>/<line>` unless told otherwise. */
    label: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,38}$/, 'a label is 1 to 39 of letters, digits, ., _ and -')
      .optional(),
    /** Low is active; what the guest says of it counts where this is absent, as with `bias`. */
    activeLow: z.boolean().optional(),
    bias: z.enum(['pull-up', 'pull-down', 'none']).optional(),
    /** The kernel takes a state for new once it has held for so long. */
    debounceMs: z.number().int().min(1).max(1000).optional(),
    /** Edges that come to the guest's handler as messages on `$gpio/<label>`. */
    edges: z.enum(['rising', 'falling', 'both']).optional(),
  })
  .refine(({ direction, edges }) => edges === undefined || direction === 'in', 'only a line in has edges')
  .refine(({ direction, bias }) => bias === undefined || direction === 'in', 'only a line in has a bias')
  .refine(
    ({ direction, debounceMs }) => debounceMs === undefined || direction === 'in',
    'only a line in bounces',
  );
export type GpioGrant = z.infer<typeof GpioGrant>;

/**
 * One 7-bit address on /dev/i2c-<bus>; the reserved ones (I²C specification, clause 3.1.12) are left out.
 * `read` lets the guest read, and name the register to begin at, one byte, in the same transaction.
 */
export const I2cGrant = z.strictObject({
  bus: z.number().int().min(0).max(255),
  address: z.number().int().min(0x08).max(0x77),
  access: z.enum(['read', 'write']),
});
export type I2cGrant = z.infer<typeof I2cGrant>;

/** A serial line, 8 data bits. What is no terminal is never opened, since opening alone can do harm. */
export const SerialGrant = z.strictObject({
  device: z
    .string()
    .regex(
      /^\/dev\/(tty[A-Za-z]{1,12}\d{1,3}|serial\d|pts\/\d{1,5}|serial\/by-(id|path)\/[A-Za-z0-9][\w:.+-]{0,199})$/,
      'a serial device such as /dev/ttyUSB0 or /dev/serial/by-id/…',
    ),
  baud: z.number().int().min(50).max(4_000_000).default(115_200),
  parity: z.enum(['none', 'even', 'odd']).default('none'),
  stopBits: z.union([z.literal(1), z.literal(2)]).default(1),
});
export type SerialGrant = z.infer<typeof SerialGrant>;

/** A sensor that the kernel reads: `28-0316a2795aff` on a 1-Wire bus, `iio:device0` of Industrial I/O. */
export const SensorGrant = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('onewire'),
    device: z.string().regex(/^[0-9a-f]{2}-[0-9a-f]{12}$/, 'a 1-Wire id such as 28-0316a2795aff'),
  }),
  z.strictObject({
    kind: z.literal('iio'),
    device: z.string().regex(/^iio:device\d{1,3}$/, 'an IIO device such as iio:device0'),
  }),
]);
export type SensorGrant = z.infer<typeof SensorGrant>;

/** The part of `Grants` that is about the board's own hardware. */
export const BOARD_GRANTS = {
  gpio: z
    .array(GpioGrant)
    .max(64)
    .refine(hasEachOnce(boardNames.gpio), 'a line is named twice')
    .refine(hasEachOnce(gpioLabel), 'a label is used twice')
    .optional(),
  i2c: z.array(I2cGrant).max(32).refine(hasEachOnce(boardNames.i2c), 'an address is named twice').optional(),
  serial: z
    .array(SerialGrant)
    .max(8)
    .refine(
      hasEachOnce(({ device }: SerialGrant) => device),
      'a device is named twice',
    )
    .optional(),
  sensors: z
    .array(SensorGrant)
    .max(16)
    .refine(hasEachOnce(boardNames.sensors), 'a sensor is named twice')
    .optional(),
};

interface BoardGrants {
  readonly gpio?: readonly GpioGrant[] | undefined;
  readonly i2c?: readonly I2cGrant[] | undefined;
  readonly serial?: readonly SerialGrant[] | undefined;
  readonly sensors?: readonly SensorGrant[] | undefined;
}

/** Those of `wanted` that `bound` does not cover, in words. */
export function* beyondBoard(wanted: BoardGrants, bound: BoardGrants): Generator<string> {
  for (const grant of wanted.gpio ?? []) {
    const covered = (bound.gpio ?? []).some(
      (cap) => cap.chip === grant.chip && cap.line === grant.line && cap.direction === grant.direction,
    );
    if (!covered) yield `${boardNames.gpio(grant)} (${grant.direction})`;
  }
  for (const grant of wanted.i2c ?? []) {
    const covered = (bound.i2c ?? []).some(
      (cap) =>
        cap.bus === grant.bus &&
        cap.address === grant.address &&
        (cap.access === 'write' || grant.access === 'read'),
    );
    if (!covered) yield `${boardNames.i2c(grant)} (${grant.access})`;
  }
  for (const { device } of wanted.serial ?? []) {
    if (!(bound.serial ?? []).some((cap) => cap.device === device)) yield boardNames.serial(device);
  }
  for (const grant of wanted.sensors ?? []) {
    const name = boardNames.sensors(grant);
    if (!(bound.sensors ?? []).some((cap) => boardNames.sensors(cap) === name)) yield name;
  }
}
