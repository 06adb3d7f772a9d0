/**
 * A serial line in raw mode: termios2 of include/uapi/asm-generic/termbits.h, which x86, arm, arm64 and
 * riscv share and which takes any speed (BOTHER).
 */
import type { SerialGrant } from '@wafer/protocol';
import { fixed, O_NOCTTY, O_NONBLOCK, O_RDWR, type Kernel } from './kernel.ts';

const TCGETS2 = 0x802c542a;
const TCSETSF2 = 0x402c542d;
const TIOCEXCL = 0x540c;

/** struct termios2: four words of flags, the line discipline, 19 control characters, two speeds. */
const TERMIOS = { iflag: 0, oflag: 4, cflag: 8, lflag: 12, cc: 17, ispeed: 36, ospeed: 40, bytes: 44 };
const VTIME = 5;
const VMIN = 6;

const CFLAG = {
  bother: 0o010000,
  cs8: 0o60,
  cstopb: 0o100,
  cread: 0o200,
  parenb: 0o400,
  parodd: 0o1000,
  clocal: 0o4000,
};

export class SerialPort {
  readonly fd: number;
  readonly #kernel: Kernel;

  /** Throws a `SystemError`: EBUSY when somebody has it, ENOTTY when it is no serial line. */
  constructor(kernel: Kernel, { device, baud, parity, stopBits }: SerialGrant) {
    this.#kernel = kernel;
    this.fd = kernel.open(device, O_RDWR | O_NOCTTY | O_NONBLOCK);
    try {
      const termios = fixed(TERMIOS.bytes);
      kernel.ioctl(this.fd, TCGETS2, termios);
      kernel.ioctl(this.fd, TIOCEXCL, 0);
      let cflag = CFLAG.bother | CFLAG.cs8 | CFLAG.cread | CFLAG.clocal;
      if (stopBits === 2) cflag |= CFLAG.cstopb;
      if (parity !== 'none') cflag |= CFLAG.parenb;
      if (parity === 'odd') cflag |= CFLAG.parodd;
      for (const words of [TERMIOS.iflag, TERMIOS.oflag, TERMIOS.lflag]) termios.writeUInt32LE(0, words);
      termios.writeUInt32LE(cflag, TERMIOS.cflag);
      termios[TERMIOS.cc + VTIME] = 0;
      termios[TERMIOS.cc + VMIN] = 1;
      termios.writeUInt32LE(baud, TERMIOS.ispeed);
      termios.writeUInt32LE(baud, TERMIOS.ospeed);
      kernel.ioctl(this.fd, TCSETSF2, termios);
    } catch (error) {
      kernel.close(this.fd);
      throw error;
    }
  }

  /** Empty when nothing has come. Throws a `SystemError`: EIO when it was unplugged. */
  read(max: number): Uint8Array {
    const bytes = fixed(max);
    const length = this.#kernel.read(this.fd, bytes) ?? 0;
    return bytes.subarray(0, length);
  }

  /** How many of them the kernel took. */
  write(bytes: Uint8Array): number {
    const copy = fixed(bytes.length);
    copy.set(bytes);
    return this.#kernel.write(this.fd, copy) ?? 0;
  }

  close(): void {
    this.#kernel.close(this.fd);
  }
}
