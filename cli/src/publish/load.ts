/**
 * From a file on disk to a component: a component as it is, a core module adapted, a script componentized,
 * C compiled; and the bundle of an agent, which is none and stays as it is.
 */
import { DEFAULT_MAX_COMPONENT_BYTES, WaferError } from '@wafer/protocol';
import { isAgentBundle } from '@wafer/protocol/agent-bundle';
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { adaptModule, kindOf } from './component.ts';

const JAVASCRIPT = new Set(['.js', '.mjs']);

export interface Loaded {
  readonly component: Uint8Array;
  /** What the file was. */
  readonly from: 'component' | 'module' | 'javascript' | 'c' | 'agent';
}

/** Told what a compiler has to say about what it made all the same. */
export type Warn = (text: string) => void;

/** The component, and what it was made from; `file` is an absolute path. */
export async function load(file: string, warn: Warn): Promise<Loaded> {
  if (JAVASCRIPT.has(extname(file))) {
    const { componentizeJavaScript } = await import('./javascript/componentize.ts');
    return { component: withinLimit(await componentizeJavaScript(file), file), from: 'javascript' };
  }
  if (extname(file) === '.c') {
    const { compileC } = await import('./c/compile.ts');
    const bytes = await compileC(file, { keepsNames: false, onFile: () => undefined, onWarning: warn });
    return { ...(await fromBinary(bytes, file)), from: 'c' };
  }
  return fromBinary(await readBinary(file), file);
}

/** From a component or a preview 1 module; `file` is what errors name. */
export async function fromBinary(bytes: Uint8Array, file: string): Promise<Loaded> {
  if (isAgentBundle(withinLimit(bytes, file))) return { component: bytes, from: 'agent' };
  const kind = kindOf(bytes);
  switch (kind) {
    case 'component':
      return { component: bytes, from: kind };
    case 'module':
      return { component: withinLimit(await adaptModule(bytes), file), from: kind };
    case undefined:
      throw new WaferError(
        'component.not-wasm',
        `${file} is no WebAssembly: it starts with ${describeStart(bytes)} and not with \\0asm. ${whatInstead(file)}`,
      );
  }
}

const whatInstead = (file: string): string =>
  extname(file) === '.ts'
    ? 'Compile it to JavaScript first'
    : 'Give a component, a WASI preview 1 module, a .js guest or a .c file';

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
