/**
 * Transactions on an I²C bus by /dev/i2c-N: I2C_RDWR of include/uapi/linux/i2c-dev.h, "struct
 * i2c_rdwr_ioctl_data", with "struct i2c_msg" of i2c.h. Their pointers are as wide as the architecture's.
 */
import { fixed, O_RDWR, type Kernel } from './kernel.ts';
import type { Operation } from './port.ts';

const I2C_SLAVE = 0x0703;
const I2C_RDWR = 0x0707;
const READ = 1;

export class Bus {
  readonly #kernel: Kernel;
  readonly #fd: number;
  #last: Promise<unknown> = Promise.resolve();

  /** Throws a `SystemError`. */
  constructor(kernel: Kernel, bus: number) {
    this.#kernel = kernel;
    this.#fd = kernel.open(`/dev/i2c-${bus}`, O_RDWR);
  }

  /** Answers what each `read` read; one transaction at a time. Rejects with a `SystemError`. */
  transact(address: number, operations: readonly Operation[]): Promise<Uint8Array[]> {
    const turn = this.#last.then(() => this.#run(address, operations));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** What is under way ends first. */
  async close(): Promise<void> {
    await this.#last;
    this.#kernel.close(this.#fd);
  }

  async #run(address: number, operations: readonly Operation[]): Promise<Uint8Array[]> {
    const kernel = this.#kernel;
    // EBUSY when a driver has the address: I2C_RDWR alone would talk to the board's own clock or power chip.
    kernel.ioctl(this.#fd, I2C_SLAVE, address);
    const wide = kernel.pointerBytes;
    const messageBytes = 8 + wide;
    const messages = fixed(operations.length * messageBytes);
    const bodies = operations.map((operation) => {
      if (operation.do === 'read') return fixed(operation.length);
      const body = fixed(operation.bytes.length);
      body.set(operation.bytes);
      return body;
    });
    const pointTo = (bytes: Buffer, into: Buffer, at: number): void => {
      const pointer = bytes.length === 0 ? 0n : kernel.addressOf(bytes);
      if (wide === 8) into.writeBigUInt64LE(pointer, at);
      else into.writeUInt32LE(Number(pointer), at);
    };
    bodies.forEach((body, index) => {
      const at = index * messageBytes;
      messages.writeUInt16LE(address, at);
      messages.writeUInt16LE(operations[index]!.do === 'read' ? READ : 0, at + 2);
      messages.writeUInt16LE(body.length, at + 4);
      pointTo(body, messages, at + 8);
    });
    const data = fixed(wide === 8 ? 16 : 8);
    pointTo(messages, data, 0);
    data.writeUInt32LE(operations.length, wide);
    await kernel.ioctlLater(this.#fd, I2C_RDWR, data, [messages, ...bodies]);
    return bodies.filter((_, index) => operations[index]!.do === 'read');
  }
}
