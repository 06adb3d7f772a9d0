// A thermometer to telemetry: an LM75, TMP102 or one with the same registers, at the bus and address of the
// configuration. Register 0 holds the temperature, two bytes, the first one whole degrees (LM75 data sheet,
// "Temperature register"). The grant is to read, so nothing here could change its limits or put it to sleep.
import { open } from 'wafer:board/i2c-buses@0.1.0';
import { get } from 'wasi:config/store@0.2.0-rc.1';
import { Client, Message } from 'wasi:messaging/types@0.2.0-draft';
import { send } from 'wasi:messaging/producer@0.2.0-draft';

const TEMPERATURE = Uint8Array.of(0);

let bus;
let address;
let client;

function celsius() {
  const [high, low] = bus.writeRead(address, TEMPERATURE, 2);
  // Two's complement, in 256ths of a degree; the lowest five bits are none of it.
  return (((high << 24) >> 16) | (low & 0xe0)) / 256;
}

export const lifecycle = {
  start() {
    bus = open(Number(get('bus') ?? 1));
    address = Number(get('address') ?? 0x48);
  },
  stop() {},
};

export const health = {
  check() {
    celsius();
  },
};

export const timer = {
  tick() {
    client ??= Client.connect('');
    const text = JSON.stringify({ celsius: celsius() });
    const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    send(client, 'telemetry/temperature', new Message(bytes));
  },
};
