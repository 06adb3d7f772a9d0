/**
 * What a guest sees of a board's hardware: wasi:gpio, wasi:i2c, and wafer:board for what the drafts leave
 * open. It asks by the names of its grants; whatever none of them names is the WIT's error for the guest and a
 * `capability-denied` fault on record that names the pin, the address, the device.
 */
import { Refusal, type Host } from '../host.ts';
import type { BoardHost } from './board-host.ts';
import { createGpio } from './guest-gpio.ts';
import { createI2c } from './guest-i2c.ts';
import { createSensors } from './guest-sensors.ts';
import { createSerial } from './guest-serial.ts';
import { BoardLine } from './line.ts';
import type { BoardPort } from './port.ts';

/** Pins, ports, connections and pollables that a guest may hold at a time: they lie in the host's memory. */
const MAX_HELD = 256;

export interface Board {
  readonly interfaces: Record<string, object>;
  close(): void;
}

export function createBoard(host: Host, port: BoardPort): Board {
  const line = new BoardLine(port);
  let held = 0;
  const board: BoardHost = {
    host,
    line,
    deny: (subject, message) => host.report(new Refusal('capability-denied', message, subject)),
    take: () => {
      if (held >= MAX_HELD) {
        const what = `${MAX_HELD} handles of pins and buses held at a time`;
        throw new Refusal('memory-limit', `The guest went over the limit of ${what}.`, what);
      }
      held += 1;
    },
    give: () => void (held -= 1),
  };
  const { gpio = [], i2c = [], serial = [], sensors = [] } = host.grants;
  if (gpio.some(({ edges }) => edges !== undefined)) takeEdges(line);
  return {
    interfaces: {
      ...(gpio.length === 0 ? {} : createGpio(board)),
      ...(i2c.length === 0 ? {} : createI2c(board)),
      ...(serial.length === 0 ? {} : createSerial(board)),
      ...(sensors.length === 0 ? {} : createSensors(board)),
    },
    close: () => line.close(),
  };
}

/**
 * Before the guest begins: from then on no edge is missed. Throws a `Refusal` where they cannot be had, for a guest
 * that was promised edges and hears none is worse than one that does not start: that is tried again.
 */
function takeEdges(line: BoardLine): void {
  const reply = line.ask({ ask: 'forward' });
  if (reply.status === 'error') {
    throw new Refusal('incompatible', `The pins of the board cannot be had: ${reply.message}.`, 'gpio');
  }
  const [first] = reply.status === 'forwarding' ? reply.absent : [];
  if (first !== undefined) throw new Refusal('incompatible', first.message, first.subject);
}
