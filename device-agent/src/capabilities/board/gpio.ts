/**
 * One GPIO line by the kernel's character device, version 2 of its interface: include/uapi/linux/gpio.h,
 * "struct gpio_v2_line_request" and what it refers to, documented in userspace-api/gpio/chardev.rst. All four
 * architectures have the generic ioctl numbers and little-endian words.
 */
import { fixed, O_RDWR, type Kernel } from './kernel.ts';

/** `_IOWR(0xb4, number, size)`. */
const iowr = (number: number, size: number): number => 0xc000b400 + number + size * 0x10000;

const LINES_MAX = 64;
const NAME_BYTES = 32;
const CONFIG_BYTES = 272;
const REQUEST = { consumer: 4 * LINES_MAX, config: 288, lines: 560, eventBuffer: 564, fd: 588, bytes: 592 };
const VALUES_BYTES = 16;

const GET_LINE = iowr(0x07, REQUEST.bytes);
const SET_CONFIG = iowr(0x0d, CONFIG_BYTES);
const GET_VALUES = iowr(0x0e, VALUES_BYTES);
const SET_VALUES = iowr(0x0f, VALUES_BYTES);

const FLAG = {
  activeLow: 1n << 1n,
  in: 1n << 2n,
  out: 1n << 3n,
  rising: 1n << 4n,
  falling: 1n << 5n,
  'pull-up': 1n << 8n,
  'pull-down': 1n << 9n,
  none: 1n << 10n,
} as const;
const ATTRIBUTE = { outputValues: 2, debounce: 3 } as const;

/** struct gpio_v2_line_event */
const EVENT_BYTES = 48;
const RISING = 1;
/** How many edges the kernel keeps for us; beyond it the oldest go, which their numbers show. */
const KEPT_EDGES = 256;

export interface LineConfig {
  readonly direction: 'in' | 'out';
  readonly activeLow: boolean;
  readonly bias: 'pull-up' | 'pull-down' | 'none' | undefined;
  readonly debounceMs: number;
}

export interface Edge {
  readonly edge: 'rising' | 'falling';
  /** By the clock that only goes forward, ns. */
  readonly atNs: bigint;
  /** Edges between the one before and this one that the kernel could not keep. */
  readonly lost: number;
}

const isSame = (a: LineConfig, b: LineConfig): boolean =>
  a.direction === b.direction &&
  a.activeLow === b.activeLow &&
  a.bias === b.bias &&
  a.debounceMs === b.debounceMs;

/** struct gpio_v2_line_config, for the one line of the request. */
function configBytes(config: LineConfig, hasEdges: boolean, isActive: boolean): Buffer {
  const bytes = fixed(CONFIG_BYTES);
  const { direction, activeLow, bias, debounceMs } = config;
  let flags: bigint = FLAG[direction];
  if (activeLow) flags |= FLAG.activeLow;
  if (bias !== undefined) flags |= FLAG[bias];
  if (hasEdges) flags |= FLAG.rising | FLAG.falling;
  bytes.writeBigUInt64LE(flags, 0);
  const attributes: [id: number, value: bigint][] = [];
  // Without it the kernel would set an output that is configured anew to inactive.
  if (direction === 'out') attributes.push([ATTRIBUTE.outputValues, isActive ? 1n : 0n]);
  else if (debounceMs > 0) attributes.push([ATTRIBUTE.debounce, BigInt(debounceMs) * 1000n]);
  bytes.writeUInt32LE(attributes.length, 8);
  attributes.forEach(([id, value], index) => {
    const at = 32 + index * 24;
    bytes.writeUInt32LE(id, at);
    bytes.writeBigUInt64LE(value, at + 8);
    bytes.writeBigUInt64LE(1n, at + 16);
  });
  return bytes;
}

/** A line that this process has requested; nobody else can until it is closed. */
export class Line {
  readonly fd: number;
  readonly #kernel: Kernel;
  #config: LineConfig;
  #hasEdges = false;
  /** Of an output: what it was set to last. */
  #isActive: boolean;
  #lastNumber = 0;

  /** Throws a `SystemError`: EBUSY when somebody has it, EINVAL or ENOENT when there is no such line. */
  constructor(kernel: Kernel, chip: number, line: number, config: LineConfig, isActive: boolean) {
    this.#kernel = kernel;
    this.#config = config;
    this.#isActive = isActive;
    const request = fixed(REQUEST.bytes);
    request.writeUInt32LE(line, 0);
    request.write('wafer-agent', REQUEST.consumer, NAME_BYTES - 1);
    configBytes(config, false, isActive).copy(request, REQUEST.config);
    request.writeUInt32LE(1, REQUEST.lines);
    request.writeUInt32LE(KEPT_EDGES, REQUEST.eventBuffer);
    const fd = kernel.open(`/dev/gpiochip${chip}`, O_RDWR);
    try {
      kernel.ioctl(fd, GET_LINE, request);
    } finally {
      kernel.close(fd);
    }
    this.fd = request.readInt32LE(REQUEST.fd);
  }

  get isActive(): boolean {
    return this.#isActive;
  }

  /** Gives it the wiring that a handle was made with; an output keeps its state. */
  configure(config: LineConfig): void {
    if (isSame(config, this.#config)) return;
    this.#apply(config, this.#hasEdges && config.direction === 'in');
  }

  /** Throws a `SystemError` where the controller knows no edges. */
  detectEdges(): void {
    if (!this.#hasEdges) this.#apply(this.#config, true);
  }

  read(): boolean {
    const values = fixed(VALUES_BYTES);
    values.writeBigUInt64LE(1n, 8);
    this.#kernel.ioctl(this.fd, GET_VALUES, values);
    return values.readBigUInt64LE(0) === 1n;
  }

  set(isActive: boolean): void {
    const values = fixed(VALUES_BYTES);
    values.writeBigUInt64LE(isActive ? 1n : 0n, 0);
    values.writeBigUInt64LE(1n, 8);
    this.#kernel.ioctl(this.fd, SET_VALUES, values);
    this.#isActive = isActive;
  }

  /** What has come, after `fd` was ready to be read. */
  takeEdges(): Edge[] {
    const bytes = fixed(EVENT_BYTES * 16);
    const length = this.#kernel.read(this.fd, bytes) ?? 0;
    return Array.from({ length: Math.floor(length / EVENT_BYTES) }, (_, index) => {
      const at = index * EVENT_BYTES;
      const number = bytes.readUInt32LE(at + 20);
      const lost = Math.max(0, number - this.#lastNumber - 1);
      this.#lastNumber = number;
      const edge = bytes.readUInt32LE(at + 8) === RISING ? 'rising' : 'falling';
      return { edge, atNs: bytes.readBigUInt64LE(at), lost };
    });
  }

  close(): void {
    this.#kernel.close(this.fd);
  }

  #apply(config: LineConfig, hasEdges: boolean): void {
    this.#kernel.ioctl(this.fd, SET_CONFIG, configBytes(config, hasEdges, this.#isActive));
    this.#config = config;
    this.#hasEdges = hasEdges;
  }
}
