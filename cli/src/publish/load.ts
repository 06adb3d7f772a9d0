/** From a file on disk to a component: a component as it is, a core module adapted, a script componentized. */
import { DEFAULT_MAX_COMPONENT_BYTES, WaferError } from '@wafer/protocol';
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { adaptModule, kindOf } from './component.ts';

const JAVASCRIPT = new Set(['.js', '.mjs']);

export interface Loaded {
  readonly component: Uint8Array;
  /** What the file was. */
  readonly from: 'component' | 'module' | 'javascript';
}

/** `file` is an absolute path. */
export async function loadComponent(file: string): Promise<Uint8Array> {
  return (await load(file)).component;
}

/** The component, and what it was made from. */
export async function load(file: string): Promise<Loaded> {
  if (JAVASCRIPT.has(extname(file))) {
    const { componentizeJavaScript } = await import('./javascript/componentize.ts');
    return { component: withinLimit(await componentizeJavaScript(file), file), from: 'javascript' };
  }
  const bytes = withinLimit(await readBinary(file), file);
  switch (kindOf(bytes)) {
    case 'component':
      return { component: bytes, from: 'component' };
    case 'module':
      return { component: withinLimit(await adaptModule(bytes), file), from: 'module' };
    case undefined:
      throw new WaferError(
        'component.not-wasm',
        `${file} is no WebAssembly: it starts with ${describeStart(bytes)} and not with \\0asm. ${whatInstead(file)}`,
      );
  }
}

function whatInstead(file: string): string {
  switch (extname(file)) {
    case '.ts':
      return 'Compile it to JavaScript first';
    case '.c':
      return 'Compile it to WASI preview 1 first; wafer dev does that by itself';
    default:
      return 'Give a component, a WASI preview 1 module or a .js guest';
  }
}

async function readBinary(file: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(file);
    // Before reading: the file may be anything.
    if (size > DEFAULT_MAX_COMPONENT_BYTES) throw tooLarge(file, size);
    return await readFile(file);
  } catch (error) {
    if (error instanceof WaferError) throw error;
    throw new WaferError('cli.usage', `${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function withinLimit(bytes: Uint8Array, file: string): Uint8Array {
  if (bytes.length > DEFAULT_MAX_COMPONENT_BYTES) throw tooLarge(file, bytes.length);
  return bytes;
}

const tooLarge = (file: string, bytes: number): WaferError =>
  new WaferError(
    'component.too-large',
    `${file} is a component of ${bytes} bytes; the limit is ${DEFAULT_MAX_COMPONENT_BYTES} (16 MiB). Strip debug information, or optimise for size`,
  );

const describeStart = (bytes: Uint8Array): string =>
  bytes.length === 0 ? 'nothing (it is empty)' : `bytes ${Buffer.from(bytes.subarray(0, 4)).toString('hex')}`;
