/**
 * Builds the example components from their sources, beside them, where they are checked in. The same
 * sources give the same bytes; a test rebuilds them and compares.
 *
 *     npm run examples
 *
 * JavaScript guests are made by `wafer build`. The C guests need clang, lld and, the command, wasi-libc
 * (Debian: clang lld wasi-libc libclang-rt-*-dev-wasm32); without them they stay as they are checked in.
 * The command stays a preview 1 core module, because adapting it is what `wafer publish` does; the
 * reactor becomes a component here, because its world stands in its own folder.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { componentEmbed, componentNew } from '@bytecodealliance/jco-transpile/wasm-tools';

const HERE = import.meta.dirname;
const WAFER = join(HERE, '../cli/src/main.ts');

export const JAVASCRIPT_GUESTS = ['thermo/thermo-1.0.0', 'thermo/thermo-1.1.0', 'thermo/thermo-1.2.0'];
export const C_GUEST = 'hello-c/hello';
export const C_REACTOR = 'echo-c/echo';

/** Small stack: the guests' own memory limits are small. */
const FREESTANDING = [
  '--target=wasm32',
  '-O2',
  '-ffreestanding',
  '-nostdlib',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wl,--no-entry',
  '-Wl,--strip-all',
  '-Wl,-z,stack-size=8192',
];

/** What the C reactor's world names, of the protocol's own WIT. */
const PACKAGES = ['deps/wasi-messaging/messaging.wit', 'reactor.wit'];

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
  if (!clang([...flags, '-o', output, join(HERE, `${guest}.c`)])) return false;
  // The linker makes it executable, which only a native program is.
  chmodSync(output, 0o644);
  return true;
}

/** False when there is none. */
function clang(args: readonly string[]): boolean {
  try {
    execFileSync('clang', args, { stdio: 'inherit' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** A package's interfaces nested in another file. Its worlds stay out: they name packages of their own. */
function nested(file: string): string {
  const text = readFileSync(join(HERE, '../protocol/wit', file), 'utf8').replaceAll(/^ *\/\/\/.*\n/gm, '');
  const [, name] = /^package (\S+);/m.exec(text)!;
  return `package ${name} {${text.replace(/^package .*;/m, '').replaceAll(/^world \S+ \{[^}]*\}/gm, '')}}`;
}

/** A component of a freestanding C module. False when this machine cannot compile C to WebAssembly. */
export async function buildCReactor(guest: string, output: string): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'wafer-c-'));
  const core = join(folder, 'core.wasm');
  try {
    if (!clang([...FREESTANDING, '-o', core, join(HERE, `${guest}.c`)])) return false;
    const witSource = [readFileSync(join(HERE, `${guest}.wit`), 'utf8'), ...PACKAGES.map(nested)].join('\n');
    writeFileSync(
      output,
      await componentNew(await componentEmbed({ binary: readFileSync(core), witSource })),
    );
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  for (const guest of JAVASCRIPT_GUESTS) {
    buildJavaScript(guest, join(HERE, `${guest}.wasm`));
    console.log(`built ${guest}.wasm`);
  }
  const built = buildC(C_GUEST, join(HERE, `${C_GUEST}.wasm`));
  console.log(built ? `built ${C_GUEST}.wasm` : `kept ${C_GUEST}.wasm: no clang with wasi-libc here`);
  const assembled = await buildCReactor(C_REACTOR, join(HERE, `${C_REACTOR}.wasm`));
  console.log(assembled ? `built ${C_REACTOR}.wasm` : `kept ${C_REACTOR}.wasm: no clang with lld here`);
}
