/** What the board says about itself in `hello`. */
import { readFile } from 'node:fs/promises';
import { arch, cpus, hostname, release, totalmem, type } from 'node:os';
import { PROTOCOL_VERSION, type Hello } from '@wafer/protocol';
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

export type Inventory = Omit<Hello, 'desiredVersion'>;

/** `boot` is new with every start of the agent. */
export async function takeInventory(boot: string): Promise<Inventory> {
  return {
    protocol: PROTOCOL_VERSION,
    boot,
    agent: packageJson.version,
    arch: arch(),
    os: `${type()} ${release()}`.slice(0, 200),
    hostname: hostname().slice(0, 255),
    board: (await boardModel()).slice(0, 200),
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
  };
}
