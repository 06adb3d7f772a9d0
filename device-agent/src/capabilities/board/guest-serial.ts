/** wafer:board/serial — serial lines by the device that a grant names. */
import { grantName } from '@wafer/protocol/grant-names';
import { WitError } from '../host.ts';
import { shown, type BoardHost } from './board-host.ts';
import type { Reply, Request } from './port.ts';

type SerialError = { tag: 'denied' | 'absent' | 'busy' } | { tag: 'other'; val: string };

const LARGEST_READ = 4096;

const failure = (error: SerialError): WitError<SerialError> => new WitError(error);

function serialError({ code, message }: Reply & { status: 'error' }): SerialError {
  switch (code) {
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
    case 'EIO':
      return { tag: 'absent' };
    case 'EBUSY':
      return { tag: 'busy' };
    default:
      return { tag: 'other', val: message };
  }
}

const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export function createSerial({ host, line, deny, take, give }: BoardHost): Record<string, object> {
  const granted = new Set((host.grants.serial ?? []).map(({ device }) => device));

  const ask = (device: string, request: Request): Reply => {
    host.used(grantName.serial(device));
    const reply = line.ask(request);
    if (reply.status === 'error') throw failure(serialError(reply));
    return reply;
  };

  class Port {
    readonly #device: string;

    constructor(device: string) {
      this.#device = device;
    }

    static open(device: string): Port {
      if (!granted.has(device)) {
        deny(grantName.serial(shown(device)), `The guest opened ${shown(device)}, which no grant names.`);
        throw failure({ tag: 'denied' });
      }
      ask(device, { ask: 'serial-open', device });
      take();
      return new Port(device);
    }

    [Symbol.dispose](): void {
      give();
    }

    read(max: number, waitMs: number): Uint8Array {
      if (max === 0) return new Uint8Array();
      const bytes = this.#take(max);
      if (bytes.length > 0 || waitMs === 0) return bytes;
      const reply = ask(this.#device, { ask: 'serial-watch', device: this.#device });
      if (reply.status !== 'watching') throw new Error(`a watch was answered ${reply.status}`);
      line.pollable(reply.watch, monotonicMs() + waitMs).block();
      line.forget(reply.watch);
      return this.#take(max);
    }

    write(bytes: Uint8Array): void {
      ask(this.#device, { ask: 'serial-write', device: this.#device, bytes });
    }

    #take(max: number): Uint8Array {
      const wanted = Math.min(max, LARGEST_READ);
      const reply = ask(this.#device, { ask: 'serial-read', device: this.#device, max: wanted });
      return reply.status === 'read' ? reply.bytes[0]! : new Uint8Array();
    }
  }

  return { 'wafer:board/serial': { Port } };
}
