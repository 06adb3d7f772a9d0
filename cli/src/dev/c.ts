/**
 * One C file, compiled for WASI preview 1 the way the examples are, but with the names of its functions,
 * so that a stack has them. What takes more than one file has a build of its own: watch what that makes.
 */
import { WaferError } from '@wafer/protocol';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, delimiter, dirname, join, resolve, sep } from 'node:path';
import { promisify } from 'node:util';

const LONGEST_MS = 60_000;

function sysroot(): string | undefined {
  const candidates = ['/usr', process.env['WASI_SYSROOT'], '/opt/wasi-sdk/share/wasi-sysroot'];
  return candidates.find((root) => root !== undefined && existsSync(join(root, 'lib/wasm32-wasi/libc.a')));
}

/** clang runs the wasm-opt that it finds in the path, such as npm's, and that drops the names. */
const pathWithoutNpm = (): string =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.endsWith(join('node_modules', '.bin')))
    .join(delimiter);

/**
 * Path of the core module, in `folder`. `onFile` is told of the headers that it includes. Throws
 * component.unsupported with the compiler's complaints, or cli.usage when there is none.
 */
export async function compileC(
  file: string,
  folder: string,
  onFile: (file: string) => void,
): Promise<string> {
  const root = sysroot();
  const output = join(folder, `${basename(file, '.c')}.wasm`);
  const dependencies = join(folder, 'dependencies');
  const advice = `compile ${basename(file)} yourself and give wafer dev the .wasm: it is watched as well`;
  if (root === undefined)
    throw new WaferError('cli.usage', `there is no wasi-libc here (Debian: wasi-libc): ${advice}`);
  const flags = ['--target=wasm32-wasi', `--sysroot=${root}`, '-O1', '-Wall', '-Wl,--strip-debug'];
  const env = { ...process.env, PATH: pathWithoutNpm() };
  try {
    await promisify(execFile)('clang', [...flags, '-MMD', '-MF', dependencies, '-o', output, file], {
      cwd: dirname(file),
      env,
      timeout: LONGEST_MS,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new WaferError('cli.usage', `there is no clang here: ${advice}`, { cause: error });
    const { stderr } = error as { stderr?: string };
    throw new WaferError('component.unsupported', `clang: ${(stderr ?? String(error)).trim()}`, {
      cause: error,
    });
  }
  for (const header of readDependencies(await readFile(dependencies, 'utf8'), dirname(file))) onFile(header);
  return output;
}

/** The files in a Makefile rule as clang writes it, absolute. */
function readDependencies(rule: string, folder: string): string[] {
  const [, files = ''] = rule.replaceAll('\\\n', ' ').split(/:\s/, 2);
  return files
    .split(/(?<!\\)\s+/)
    .filter((name) => name !== '')
    .map((name) => resolve(folder, name.replaceAll('\\ ', ' ').split('/').join(sep)));
}
