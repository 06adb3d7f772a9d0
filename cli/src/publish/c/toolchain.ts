/** The tools that make a guest of C: clang with its linker and libraries, and Binaryen's optimiser. */
import { WaferError } from '@wafer/protocol';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { wasmOpt } from '../packages.ts';

const LONGEST_MS = 60_000;

const run = promisify(execFile);

/** Where wasi-libc is: Debian's package, or a WASI SDK. */
export function sysroot(): string | undefined {
  const candidates = ['/usr', process.env['WASI_SYSROOT'], '/opt/wasi-sdk/share/wasi-sysroot'];
  return candidates.find((root) => root !== undefined && existsSync(join(root, 'lib/wasm32-wasi/libc.a')));
}

/** What is compiled, and so what it takes. */
export interface Needs {
  readonly file: string;
  readonly isComponent: boolean;
  /** Folder that clang runs in. */
  readonly cwd: string;
}

/**
 * What clang has to say about what it did all the same. Throws cli.usage with what is missing here, or
 * component.unsupported with its complaints.
 */
export async function clang(args: readonly string[], needs: Needs): Promise<string> {
  try {
    const { stderr } = await run('clang', args, { cwd: needs.cwd, timeout: LONGEST_MS });
    return stderr.trim();
  } catch (error) {
    const missing = await missingParts(needs);
    if (missing.length > 0) throw notHere(missing, needs.file, error);
    const { stderr } = error as { stderr?: string };
    const words = stderr?.trim() || String(error);
    throw new WaferError('component.unsupported', `clang: ${words}`, { cause: error });
  }
}

interface Part {
  readonly name: string;
  /** Of Debian. */
  readonly packages: string;
}

/** Asked only when something failed. */
async function missingParts({ isComponent }: Needs): Promise<Part[]> {
  const linker = await answer('-print-prog-name=wasm-ld');
  const builtins = await answer('--target=wasm32-wasi', '-print-libgcc-file-name');
  const parts: (Part & { isHere: boolean; isForAll: boolean })[] = [
    { name: 'clang', packages: 'clang', isHere: linker !== undefined, isForAll: true },
    // Unknown without clang, and then it is most likely missing as well.
    { name: "clang's linker wasm-ld", packages: 'lld', isHere: isFile(linker), isForAll: true },
    { name: 'wasi-libc', packages: 'wasi-libc', isHere: sysroot() !== undefined, isForAll: false },
    {
      name: "compiler-rt's builtins for wasm32",
      packages: 'libclang-rt-dev-wasm32',
      isHere: isFile(builtins),
      isForAll: false,
    },
  ];
  return parts.filter(({ isHere, isForAll }) => !isHere && (isForAll || !isComponent));
}

const isFile = (path: string | undefined): boolean => path !== undefined && existsSync(path);

/** Undefined when there is no clang that could answer. */
async function answer(...args: string[]): Promise<string | undefined> {
  try {
    return (await run('clang', args, { timeout: LONGEST_MS })).stdout.trim();
  } catch {
    return undefined;
  }
}

function notHere(missing: readonly Part[], file: string, cause: unknown): WaferError {
  const names = missing.map(({ name }) => name).join(', ');
  const packages = missing.map((part) => part.packages).join(' ');
  return new WaferError(
    'cli.usage',
    `${basename(file)} cannot be compiled here, for want of ${names} (Debian: apt install ${packages}). Or compile it elsewhere, and give the .wasm`,
    { cause },
  );
}

/** In place; names and notes about tools go. */
export async function optimise(core: string, level: string): Promise<void> {
  const args = [wasmOpt(), core, level, '--strip-producers', '--strip-target-features', '-o', core];
  try {
    await run(process.execPath, args, { timeout: LONGEST_MS });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new WaferError('component.unsupported', `wasm-opt: ${stderr?.trim() || String(error)}`, {
      cause: error,
    });
  }
}
