/**
 * What the single grants to a board's hardware are called: `gpio 0/17`, `i2c 1/0x48`, `serial /dev/ttyUSB0`,
 * `sensors iio iio:device0`. Without the schemas, because guests' threads name them too.
 */

interface Line {
  readonly chip: number;
  readonly line: number;
}

interface Address {
  readonly bus: number;
  readonly address: number;
}

interface Sensor {
  readonly kind: string;
  readonly device: string;
}

const hex = (address: number): string => `0x${address.toString(16).padStart(2, '0')}`;

export const boardNames = {
  gpio: ({ chip, line }: Line): string => `gpio ${chip}/${line}`,
  i2c: ({ bus, address }: Address): string => `i2c ${bus}/${hex(address)}`,
  serial: (device: string): string => `serial ${device}`,
  sensors: ({ kind, device }: Sensor): string => `sensors ${kind} ${device}`,
} as const;

/** What a guest asks for a line by. */
export const gpioLabel = ({ label, chip, line }: Line & { readonly label?: string | undefined }): string =>
  label ?? `${chip}/${line}`;

/** Where the edges of a line come to the guest's handler: nobody can publish there. */
export const gpioTopic = (label: string): string => `$gpio/${label}`;
