/** What the board says about itself in `hello`. */
import { readFile, readlink } from 'node:fs/promises';
import { arch, cpus, hostname, release, totalmem, type } from 'node:os';
import { PROTOCOL_VERSION, type Hello, type Policy } from '@wafer/protocol';
import packageJson from '../package.json' with { type: 'json' };

/** Device tree first (ARM, RISC-V), then DMI (PCs), then the processor's name. */
const MODEL_FILES = ['/proc/device-tree/model', '/sys/class/dmi/id/product_name'];

async function boardModel(): Promise<string> {
  for (const path of MODEL_FILES) {
    const text = await readFile(path, 'utf8').catch(() => '');
    const model = text.replace(/\0/g, '').trim();
    if (model !== '') return model;
  }
  return cpus()[0]?.model ?? 'unknown';
}

/** Serial numbers of boards: device tree first, then DMI, which only root may read. */
const SERIAL_FILES = [
  '/proc/device-tree/serial-number',
  '/sys/class/dmi/id/board_serial',
  '/sys/class/dmi/id/product_serial',
];

/** What makers write who gave no number, such as `To be filled by O.E.M.`. */
const NO_SERIAL = /^(?:0+|1234567890?|none|n\/a|default.*|not .*|to be filled.*|.*serial.*|system.*)$/i;

/** Undefined for what stands in for a number, as boards that are not clones share it. */
export function plausibleSerial(text: string): string | undefined {
  const serial = text.replace(/\0/g, '').trim();
  return serial.length < 4 || serial.length > 100 || NO_SERIAL.test(serial) ? undefined : serial;
}

async function boardSerial(): Promise<string | undefined> {
  for (const path of SERIAL_FILES) {
    const serial = plausibleSerial(await readFile(path, 'utf8').catch(() => ''));
    if (serial !== undefined) return serial;
  }
  return undefined;
}

/** Of a path such as /usr/share/zoneinfo/Europe/Berlin, or of a zone's name. */
const ZONE = /^(?:.*\/zoneinfo\/)?(?:posix\/|right\/)?([A-Za-z][\w+-]*(?:\/[\w+-]+)*)$/;

/**
 * As the system has it (localtime(5), tzset(3)); `UTC` where it says nothing. Not by `Intl`: that brings the data
 * of all languages into memory, which the agent has no other use for.
 */
export async function timeZone(
  variable = process.env['TZ'],
  files: readonly [link: string, text: string] = ['/etc/localtime', '/etc/timezone'],
): Promise<string> {
  const said = [
    (variable ?? '').replace(/^:/, ''),
    await readlink(files[0]).catch(() => ''),
    await readFile(files[1], 'utf8').catch(() => ''),
  ];
  return said.map((text) => ZONE.exec(text.trim())?.[1]).find((name) => name !== undefined) ?? 'UTC';
}

export type Inventory = Omit<Hello, 'desiredVersion'>;

/** A hello has to fit into one message; an owner who wrote more is asked by being refused. */
const MAX_POLICY_BYTES = 16 * 1024;

/** `boot` is new with every start of the agent. */
export async function takeInventory(boot: string, policy: Policy): Promise<Inventory> {
  const serial = await boardSerial();
  const isShort = Buffer.byteLength(JSON.stringify(policy)) <= MAX_POLICY_BYTES;
  return {
    protocol: PROTOCOL_VERSION,
    boot,
    agent: packageJson.version,
    arch: arch(),
    os: `${type()} ${release()}`.slice(0, 200),
    hostname: hostname().slice(0, 255),
    ...(serial === undefined ? {} : { serial }),
    board: (await boardModel()).slice(0, 200),
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
    timeZone: await timeZone(),
    ...(isShort ? { policy } : {}),
  };
}
