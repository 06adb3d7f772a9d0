/**
 * A guest from one C file. With a `.wit` of the same name beside it, it is a component of the world
 * therein, and has no C library: its exports and imports are written as the canonical ABI lays them out.
 * Without one it is a program for WASI preview 1, with wasi-libc.
 *
 * The same sources give the same bytes with the same clang: it sees no path, and the optimiser that runs
 * after it is the one that comes along, not one that clang finds (clang runs any wasm-opt in the path when
 * it links with -O, so it links without). What takes more than one file has a build of its own.
 */
import { WaferError } from '@wafer/protocol';
import { existsSync } from 'node:fs';
import { access, constants, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { clang, optimise, sysroot } from './toolchain.ts';
import { componentOf } from './world.ts';

export interface CompileOptions {
  /** Functions stay apart and keep their names, for stacks; what is published is stripped and optimised. */
  readonly keepsNames: boolean;
  /** Told of every file that the result depends on, also when it does not compile; absolute paths. */
  readonly onFile: (file: string) => void;
  /** Told the words of clang, and of its linker, about what they made all the same. */
  readonly onWarning: (text: string) => void;
}

/** Small stack: the guests' own memory limits are small. */
const FREESTANDING = {
  compile: ['--target=wasm32', '-O2', '-ffreestanding'],
  link: ['--target=wasm32', '-nostdlib', '-Wl,--no-entry', '-Wl,-z,stack-size=8192'],
  optimise: '-O2',
};

function program() {
  const target = ['--target=wasm32-wasi', `--sysroot=${sysroot() ?? '/usr'}`];
  return { compile: [...target, '-Oz'], link: target, optimise: '-Oz' };
}

/** The `.wit` that makes `file` a component; there need be none. */
const witBeside = (file: string): string => file.replace(/\.c$/, '.wit');

/**
 * A component, or a preview 1 core module; `file` is an absolute path. Throws component.unsupported with
 * the compiler's complaints, or cli.usage with what is missing on this machine.
 */
export async function compileC(file: string, options: CompileOptions): Promise<Uint8Array> {
  await refuseUnreadable(file);
  const wit = witBeside(file);
  options.onFile(wit);
  const isComponent = existsSync(wit);
  const flags = isComponent ? FREESTANDING : program();
  const folder = await mkdtemp(join(tmpdir(), 'wafer-c-'));
  const object = join(folder, 'guest.o');
  const core = join(folder, 'guest.wasm');
  const cwd = dirname(file);
  const needs = { file, isComponent, cwd };
  try {
    const inlining = options.keepsNames ? ['-fno-inline'] : [];
    await compile([...flags.compile, ...inlining, '-Wall', '-Wextra'], file, object, {
      ...options,
      ...needs,
    });
    const linked = await clang([...flags.link, '-Wl,--strip-debug', '-o', core, object], needs);
    if (linked !== '') options.onWarning(linked);
    if (!options.keepsNames) await optimise(core, flags.optimise);
    const bytes = await readFile(core);
    return isComponent ? await componentOf(bytes, wit) : bytes;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function refuseUnreadable(file: string): Promise<void> {
  await access(file, constants.R_OK).catch((error: Error) => {
    throw new WaferError('cli.usage', `${file} cannot be read: ${error.message}`, { cause: error });
  });
}

type Compiling = CompileOptions & Parameters<typeof clang>[1];

async function compile(flags: string[], file: string, object: string, options: Compiling): Promise<void> {
  const rule = `${object}.d`;
  const name = basename(file);
  // By its name alone: a path would be in the bytes, wherever there is an `assert`.
  const source = name.startsWith('-') ? `./${name}` : name;
  try {
    const said = await clang([...flags, '-c', '-MMD', '-MF', rule, '-o', object, source], options);
    if (said !== '') options.onWarning(said);
  } catch (error) {
    // Its headers count nevertheless, those too that are not there: mending one mends the guest.
    const again = clang([...flags, '-MM', '-MG', '-MF', rule, source], options);
    await again.catch(() => undefined);
    throw error;
  } finally {
    const text = await readFile(rule, 'utf8').catch(() => '');
    for (const each of readDependencies(text, options.cwd)) options.onFile(each);
  }
}

/** The files in a Makefile rule as clang writes it, absolute. */
function readDependencies(rule: string, folder: string): string[] {
  const [, files = ''] = rule.replaceAll('\\\n', ' ').split(/:\s/, 2);
  return files
    .split(/(?<!\\)\s+/)
    .filter((name) => name !== '')
    .map((name) => resolve(folder, name.replaceAll('\\ ', ' ').split('/').join(sep)));
}
