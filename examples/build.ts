/**
 * Builds the example components from their sources, beside them, where they are checked in. The same
 * sources give the same bytes; a test rebuilds them and compares.
 *
 *     npm run examples
 *
 * JavaScript guests are made by `wafer build`. The C guest needs clang, lld and wasi-libc (Debian:
 * clang lld wasi-libc libclang-rt-*-dev-wasm32); without them it stays as it is checked in. It stays
 * a preview 1 core module, because adapting it is what `wafer publish` does.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const WAFER = join(HERE, '../cli/src/main.ts');

export const JAVASCRIPT_GUESTS = ['thermo/thermo-1.0.0', 'thermo/thermo-1.1.0', 'thermo/thermo-1.2.0'];
export const C_GUEST = 'hello-c/hello';

/** Where wasi-libc may be: Debian's package, then a WASI SDK that WASI_SYSROOT names. */
function cSysroot(): string | undefined {
  const candidates = ['/usr', process.env['WASI_SYSROOT'], '/opt/wasi-sdk/share/wasi-sysroot'];
  return candidates.find((root) => root !== undefined && existsSync(join(root, 'lib/wasm32-wasi/libc.a')));
}

/** Builds `guest` (path without its ending) into `output`. */
export function buildJavaScript(guest: string, output: string): void {
  execFileSync(process.execPath, [WAFER, 'build', join(HERE, `${guest}.js`), '--output', output], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** False when this machine cannot compile C to WASI. */
export function buildC(guest: string, output: string): boolean {
  const sysroot = cSysroot();
  if (sysroot === undefined) return false;
  const flags = [
    '--target=wasm32-wasi',
    `--sysroot=${sysroot}`,
    '-Oz',
    '-Wall',
    '-Werror',
    '-Wl,--strip-all',
  ];
  try {
    execFileSync('clang', [...flags, '-o', output, join(HERE, `${guest}.c`)], { stdio: 'inherit' });
    // The linker makes it executable, which only a native program is.
    chmodSync(output, 0o644);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

if (import.meta.main) {
  for (const guest of JAVASCRIPT_GUESTS) {
    buildJavaScript(guest, join(HERE, `${guest}.wasm`));
    console.log(`built ${guest}.wasm`);
  }
  const built = buildC(C_GUEST, join(HERE, `${C_GUEST}.wasm`));
  console.log(built ? `built ${C_GUEST}.wasm` : `kept ${C_GUEST}.wasm: no clang with wasi-libc here`);
}
