/**
 * The bus simulator from the outside: builds it for an architecture, and plays the world that its pins and
 * buses are tied to. Its board is a file, laid out as `struct state` of bus-simulator.c.
 *
 * As a command, for those who test a whole agent (LD_PRELOAD=FILE.so WAFER_BUS_SIMULATOR=BOARD):
 *
 *     node simulator.ts build FILE.so [ARCH]        ARCH as Node names it
 *     node simulator.ts board BOARD JSON            {"wires":[[17,27]],"devices":[[0,72,{"registers":{"0":[25,128]}}]],"levels":[[27,1]]}
 *     node simulator.ts line BOARD LINE             what is on the wire, as JSON
 */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = join(import.meta.dirname, 'bus-simulator.c');
const FLAGS = [
  '-shared',
  '-fPIC',
  '-nostdlib',
  '-ffreestanding',
  '-O2',
  '-fuse-ld=lld',
  '-Wall',
  '-Wextra',
  '-Werror',
];

/** `process.arch` → the target that clang calls it. */
const TARGETS: Readonly<Record<string, string>> = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
  arm: 'arm-linux-gnueabihf',
  riscv64: 'riscv64-linux-gnu',
};

/** The environment variable that names the board's file. */
export const BOARD_VARIABLE = 'WAFER_BUS_SIMULATOR';

export const hasCompiler = (): boolean =>
  ['clang', 'ld.lld'].every((tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0);

/** A shared object for LD_PRELOAD; needs clang and lld (Debian's packages of these names). */
export function buildSimulator(output: string, arch: string = process.arch): void {
  const target = TARGETS[arch];
  if (target === undefined) throw new Error(`the bus simulator is for ${Object.keys(TARGETS).join(', ')}`);
  const { status, stderr } = spawnSync('clang', [`--target=${target}`, ...FLAGS, SOURCE, '-o', output], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the bus simulator was not built: ${stderr}`);
}

const LINES = 64;
const LOG = 1024;
const AT = {
  lines: 4,
  inputs: 8,
  edgesFail: 12,
  line: 16,
  log: 1040,
  device: 5136,
  wire: 9296,
  end: 9360,
} as const;
const LINE_BYTES = 16;
const DEVICE = {
  pointer: 1,
  hasDriver: 2,
  failsWith: 4,
  delayMs: 8,
  transactions: 12,
  registers: 16,
  bytes: 1040,
};
const DIRECTIONS = ['free', 'in', 'out'] as const;
const BIASES = [undefined, 'pull-up', 'pull-down', 'none'] as const;

export interface SimulatedLine {
  readonly level: number;
  readonly direction: (typeof DIRECTIONS)[number];
  readonly bias: (typeof BIASES)[number];
  readonly activeLow: boolean;
  /** How often it was taken, and how often an output changed, so far. */
  readonly requests: number;
  readonly changes: number;
}

interface SimulatedDevice {
  /** Bytes by register. */
  readonly registers: Readonly<Record<number, readonly number[]>>;
  readonly hasDriver?: boolean;
  readonly failsWith?: number;
  readonly delayMs?: number;
}

export class SimulatedBoard {
  readonly #fd: number;

  /** Makes the file where it is not there. */
  constructor(path: string) {
    const isNew = !existsSync(path);
    this.#fd = openSync(path, isNew ? 'w+' : 'r+');
    if (!isNew) return;
    ftruncateSync(this.#fd, AT.end);
    this.#set(AT.lines, LINES);
  }

  /** Changes the level on the wire of an input: edges come of it. */
  drive(line: number, level: 0 | 1): void {
    const entry = this.#get(AT.inputs);
    writeSync(this.#fd, Uint8Array.of(level), 0, 1, AT.line + line * LINE_BYTES);
    writeSync(this.#fd, Uint8Array.of(line, 0, level, 0), 0, 4, AT.log + (entry % LOG) * 4);
    this.#set(AT.inputs, entry + 1);
  }

  /** Ties an output to an input. */
  wire(output: number, input: number): void {
    writeSync(this.#fd, Uint8Array.of(input + 1), 0, 1, AT.wire + output);
  }

  line(line: number): SimulatedLine {
    const bytes = this.#read(AT.line + line * LINE_BYTES, LINE_BYTES);
    return {
      level: bytes[0]!,
      direction: DIRECTIONS[bytes[1]!]!,
      bias: BIASES[bytes[2]!],
      activeLow: bytes[3] === 1,
      requests: bytes.readUInt32LE(8),
      changes: bytes.readUInt32LE(12),
    };
  }

  /** Puts a device on the bus; `slot` 0 to 3. */
  plug(slot: number, address: number, device: SimulatedDevice): void {
    const bytes = Buffer.alloc(DEVICE.bytes);
    bytes[0] = address;
    bytes[DEVICE.hasDriver] = device.hasDriver === true ? 1 : 0;
    bytes.writeUInt32LE(device.failsWith ?? 0, DEVICE.failsWith);
    bytes.writeUInt32LE(device.delayMs ?? 0, DEVICE.delayMs);
    for (const [register, values] of Object.entries(device.registers))
      bytes.set(values, DEVICE.registers + Number(register) * 4);
    writeSync(this.#fd, bytes, 0, bytes.length, AT.device + slot * DEVICE.bytes);
  }

  register(slot: number, register: number): number[] {
    return [...this.#read(AT.device + slot * DEVICE.bytes + DEVICE.registers + register * 4, 4)];
  }

  transactions(slot: number): number {
    return this.#get(AT.device + slot * DEVICE.bytes + DEVICE.transactions);
  }

  /** From now on asking a line for its edges fails with this errno; with 0, no more. */
  failEdges(errno: number): void {
    this.#set(AT.edgesFail, errno);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #read(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    readSync(this.#fd, bytes, 0, length, at);
    return bytes;
  }

  #get(at: number): number {
    return this.#read(at, 4).readUInt32LE();
  }

  #set(at: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    writeSync(this.#fd, bytes, 0, 4, at);
  }
}

interface Setting {
  readonly wires?: readonly (readonly [output: number, input: number])[];
  readonly devices?: readonly (readonly [slot: number, address: number, device: SimulatedDevice])[];
  readonly levels?: readonly (readonly [line: number, level: 0 | 1])[];
}

function onBoard<T>(path: string, use: (board: SimulatedBoard) => T): T {
  const board = new SimulatedBoard(path);
  try {
    return use(board);
  } finally {
    board.close();
  }
}

function setUp(board: SimulatedBoard, { wires = [], devices = [], levels = [] }: Setting): void {
  for (const [output, input] of wires) board.wire(output, input);
  for (const device of devices) board.plug(...device);
  for (const level of levels) board.drive(...level);
}

function command([verb, path = '', what]: readonly string[]): void {
  switch (verb) {
    case 'build':
      return buildSimulator(path, what);
    case 'board':
      return onBoard(path, (board) => setUp(board, JSON.parse(what ?? '{}') as Setting));
    case 'line':
      return console.log(JSON.stringify(onBoard(path, (board) => board.line(Number(what)))));
    default:
      throw new Error('build FILE.so [ARCH], board BOARD JSON, or line BOARD LINE');
  }
}

if (import.meta.main) command(process.argv.slice(2));
