/**
 * Builds the example components from their sources, beside them, where they are checked in. The same
 * sources give the same bytes; a test rebuilds them and compares.
 *
 *     npm run examples
 *
 * All of them are made by `wafer build`. Those in C need clang; where it, or what it needs, is missing they
 * stay as they are checked in. The command stays a preview 1 core module, because adapting it is what
 * `wafer publish` does.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const WAFER = join(HERE, '../cli/src/main.ts');
/** The exit code of `wafer` for what the machine or the command line lacks. */
const USAGE = 2;

export const JAVASCRIPT_GUESTS = [
  'thermo/thermo-1.0.0',
  'thermo/thermo-1.1.0',
  'thermo/thermo-1.2.0',
  'blink/blink',
  'button/button',
  'lm75/lm75',
];
/** Each with what `wafer build` is told besides. */
export const C_GUESTS: Readonly<Record<string, readonly string[]>> = {
  'hello-c/hello': ['--module'],
  'echo-c/echo': [],
};

/** Builds `guest` (path without its ending) into `output`. */
export function buildJavaScript(guest: string, output: string): void {
  if (build(`${guest}.js`, output) !== 0) throw new Error(`${guest} was not built`);
}

/** False when this machine cannot compile C to WebAssembly. */
export function buildC(guest: string, output: string): boolean {
  const code = build(`${guest}.c`, output, ...(C_GUESTS[guest] ?? []));
  if (code !== 0 && code !== USAGE) throw new Error(`${guest} was not built`);
  return code === 0;
}

function build(file: string, output: string, ...more: string[]): number | null {
  const args = [WAFER, 'build', join(HERE, file), '--output', output, ...more];
  return spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] }).status;
}

if (import.meta.main) {
  for (const guest of JAVASCRIPT_GUESTS) {
    buildJavaScript(guest, join(HERE, `${guest}.wasm`));
    console.log(`built ${guest}.wasm`);
  }
  for (const guest of Object.keys(C_GUESTS)) {
    const isBuilt = buildC(guest, join(HERE, `${guest}.wasm`));
    console.log(`${isBuilt ? 'built' : 'kept'} ${guest}.wasm`);
  }
}
