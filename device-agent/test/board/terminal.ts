/** A pair of terminals: what is on the other end of a guest's serial line. */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { fixed, openKernel } from '../../src/capabilities/board/kernel.ts';

const TIOCSPTLCK = 0x40045431;
const TIOCGPTN = 0x80045430;

export class Terminal {
  readonly device: string;
  readonly #fd: number;

  constructor() {
    this.#fd = openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY);
    const kernel = openKernel();
    kernel.ioctl(this.#fd, TIOCSPTLCK, fixed(4));
    const number = fixed(4);
    kernel.ioctl(this.#fd, TIOCGPTN, number);
    this.device = `/dev/pts/${number.readUInt32LE()}`;
  }

  write(text: string): void {
    writeSync(this.#fd, text);
  }

  read(): string {
    const bytes = Buffer.alloc(256);
    return bytes.toString('latin1', 0, readSync(this.#fd, bytes));
  }

  close(): void {
    closeSync(this.#fd);
  }
}
