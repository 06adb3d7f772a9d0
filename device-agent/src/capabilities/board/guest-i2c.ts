/**
 * wasi:i2c, and where its connections come from (wafer:board/i2c-buses). What a grant to `read` lets a guest
 * write is one byte at the beginning of a transaction that goes on to read: the register to begin at, as
 * SMBus reads are made.
 */
import { grantName } from '@wafer/protocol/grant-names';
import type { I2cGrant } from '@wafer/protocol';
import { WitError } from '../host.ts';
import type { BoardHost } from './board-host.ts';
import { MAX_OPERATION_BYTES, MAX_OPERATIONS, type Operation } from './port.ts';

type I2cError =
  | { tag: 'bus' | 'arbitration-loss' | 'overrun' | 'other' }
  | { tag: 'no-acknowledge'; val: 'address' | 'data' | 'unknown' };

type WitOperation = { tag: 'read'; val: bigint } | { tag: 'write'; val: Uint8Array };

const failure = (error: I2cError, detail?: string): WitError<I2cError> => new WitError(error, detail);

/** Documentation/i2c/fault-codes.rst of the kernel. */
function i2cError(code: string): I2cError {
  switch (code) {
    case 'ENXIO':
      return { tag: 'no-acknowledge', val: 'address' };
    case 'EREMOTEIO':
      return { tag: 'no-acknowledge', val: 'unknown' };
    case 'EAGAIN':
      return { tag: 'arbitration-loss' };
    case 'ETIMEDOUT':
    case 'EPROTO':
    case 'EIO':
      return { tag: 'bus' };
    case 'EOVERFLOW':
      return { tag: 'overrun' };
    default:
      return { tag: 'other' };
  }
}

const onlyReads = (operations: readonly Operation[]): boolean => {
  const [first, ...rest] = operations;
  const namesRegister = first?.do === 'write' && first.bytes.length === 1 && rest.length > 0;
  return (namesRegister ? rest : operations).every((operation) => operation.do === 'read');
};

/** Throws the draft's `other` for what no kernel takes. */
function operationOf(operation: WitOperation): Operation {
  const length = operation.tag === 'read' ? Number(operation.val) : operation.val.length;
  if (length > MAX_OPERATION_BYTES) throw failure({ tag: 'other' });
  return operation.tag === 'read' ? { do: 'read', length } : { do: 'write', bytes: operation.val };
}

export function createI2c({ host, line, deny, take, give }: BoardHost): Record<string, object> {
  const grants = host.grants.i2c ?? [];

  const allow = (bus: number, address: number, operations: readonly Operation[]): I2cGrant => {
    const grant = grants.find((each) => each.bus === bus && each.address === address);
    const name = grantName.i2c({ bus, address });
    if (grant === undefined) deny(name, `The guest spoke to ${name}, which no grant names.`);
    else if (grant.access === 'write' || onlyReads(operations)) return grant;
    else deny(`${name} (write)`, `The guest wrote to ${name}, which was granted for reading.`);
    throw failure({ tag: 'other' });
  };

  class I2c {
    readonly #bus: number;

    constructor(bus: number) {
      this.#bus = bus;
    }

    [Symbol.dispose](): void {
      give();
    }

    transaction(address: number, operations: readonly WitOperation[]): Uint8Array[] {
      if (operations.length > MAX_OPERATIONS) throw failure({ tag: 'other' });
      return this.#transact(address, operations.map(operationOf));
    }

    read(address: number, length: bigint): Uint8Array {
      return this.transaction(address, [{ tag: 'read', val: length }])[0]!;
    }

    write(address: number, data: Uint8Array): void {
      this.transaction(address, [{ tag: 'write', val: data }]);
    }

    writeRead(address: number, write: Uint8Array, length: bigint): Uint8Array {
      return this.transaction(address, [
        { tag: 'write', val: write },
        { tag: 'read', val: length },
      ])[0]!;
    }

    #transact(address: number, operations: readonly Operation[]): Uint8Array[] {
      if (operations.length === 0) return [];
      host.used(grantName.i2c(allow(this.#bus, address, operations)));
      const reply = line.ask({ ask: 'transact', bus: this.#bus, address, operations });
      if (reply.status === 'error') throw failure(i2cError(reply.code), reply.message);
      if (reply.status !== 'read') throw new Error(`a transaction was answered ${reply.status}`);
      return [...reply.bytes];
    }
  }

  const open = (bus: number): I2c => {
    if (!grants.some((grant) => grant.bus === bus)) {
      deny(`i2c ${bus}`, `The guest opened the I²C bus ${bus}, on which it was granted no address.`);
      throw new WitError({ tag: 'denied' });
    }
    take();
    return new I2c(bus);
  };

  return { 'wasi:i2c/i2c': { I2c }, 'wafer:board/i2c-buses': { open } };
}
