/**
 * What a component is, read from its own bytes: what it imports and exports, and so how the agent
 * will drive it. A preview 1 core module is made a component first.
 */
import {
  type ComponentWorld,
  interfaceName,
  readWorld,
  type Version,
  WaferError,
  type World,
  worldOf,
} from '@wafer/protocol';
import { isAgentBundle, readAgentBundle } from '@wafer/protocol/agent-bundle';
import { readFile } from 'node:fs/promises';
import { jcoFolder } from './packages.ts';

export interface Inspection extends ComponentWorld {
  readonly world: World;
  /** What an agent's bundle says that it is. */
  readonly version?: Version;
}

/** The binary's preamble: magic, then version and layer (component model, Binary.md). */
export function kindOf(bytes: Uint8Array): 'component' | 'module' | undefined {
  const preamble = Buffer.from(bytes.subarray(0, 8)).toString('hex');
  if (preamble === '0061736d0d000100') return 'component';
  if (preamble === '0061736d01000000') return 'module';
  return undefined;
}

/** A component for a preview 1 core module: a program if it has `_start`, else a library. */
export async function adaptModule(bytes: Uint8Array): Promise<Uint8Array> {
  const kind = exportsStart(bytes) ? 'command' : 'reactor';
  const adapter = await readFile(`${jcoFolder()}/lib/wasi_snapshot_preview1.${kind}.wasm`);
  const { componentNew } = await import('@bytecodealliance/jco-transpile/wasm-tools');
  try {
    return await componentNew(bytes, [['wasi_snapshot_preview1', adapter]]);
  } catch (error) {
    throw new WaferError(
      'component.unsupported',
      `this core module cannot be adapted from WASI preview 1: ${firstLine(error)}`,
      { cause: error },
    );
  }
}

/** The part of the JavaScript API that is used; the type library has it only together with the DOM. */
const { Module } = (
  globalThis as unknown as {
    WebAssembly: {
      Module: { new (bytes: Uint8Array): object; exports(module: object): { name: string }[] };
    };
  }
).WebAssembly;

function exportsStart(bytes: Uint8Array): boolean {
  try {
    return Module.exports(new Module(bytes)).some(({ name }) => name === '_start');
  } catch (error) {
    throw new WaferError('component.not-wasm', `the core module is damaged: ${firstLine(error)}`, {
      cause: error,
    });
  }
}

/** Throws component.not-wasm, or component.unsupported with the reason. */
export async function inspect(component: Uint8Array): Promise<Inspection> {
  if (isAgentBundle(component)) {
    const { version } = readAgentBundle(component).manifest;
    return { imports: [], exports: [], world: 'agent', version };
  }
  const { componentWit } = await import('@bytecodealliance/jco-transpile/wasm-tools');
  let wit: string;
  try {
    wit = await componentWit(component);
  } catch (error) {
    throw new WaferError('component.not-wasm', `the component is damaged: ${firstLine(error)}`, {
      cause: error,
    });
  }
  const found = readWorld(wit);
  if (found === undefined) throw unsupported('it has no world');
  const world = worldOf(found.exports);
  if (world === undefined) throw unsupported(whyNoWorld(found.exports));
  return { ...found, world };
}

/** Why the agent would not know how to drive a component with these exports. */
export function whyNoWorld(exports: readonly string[]): string {
  if (exports.some((name) => interfaceName(name) === 'wasi:http/incoming-handler'))
    return 'it is an HTTP handler (wasi:http/incoming-handler), which devices do not serve';
  const seen = exports.length === 0 ? 'nothing' : exports.join(', ');
  return `it exports ${seen}; a command exports wasi:cli/run@0.2.x, a reactor wafer:app/lifecycle@0.1.0`;
}

const unsupported = (reason: string): WaferError => new WaferError('component.unsupported', reason);

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
