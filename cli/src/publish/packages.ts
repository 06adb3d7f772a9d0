/** Where the files that other packages ship alongside their code are: adapters and WIT. */
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';

const WASI_VERSION = '0.2.12';

const require = createRequire(import.meta.url);

/** Root of @bytecodealliance/jco. */
export const jcoFolder = (): string => resolve(dirname(require.resolve('@bytecodealliance/jco')), '..');

/** WASI's WIT, a folder for each package. */
export const wasiWit = (): string => resolve(jcoFolder(), 'lib/wit/builtin', WASI_VERSION);

/** Binaryen's optimiser, a script for node. */
export const wasmOpt = (): string => require.resolve('binaryen/bin/wasm-opt');

/** The project's own WIT. */
export const protocolWit = (): string => resolve(dirname(require.resolve('@wafer/protocol')), '../wit');
