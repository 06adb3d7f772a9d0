/**
 * Reads a JavaScript guest and the files that it imports by relative path, without running them:
 * which WIT interfaces they import together, and what the entry exports.
 */
import { WaferError } from '@wafer/protocol';
import { init, parse } from 'es-module-lexer';
import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';

const MAX_FILES = 200;
/** `wasi:clocks/wall-clock@0.2.12`. */
const WIT_INTERFACE = /^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*\/[a-z][a-z0-9-]*(@[0-9A-Za-z.-]+)?$/;

export interface GuestModules {
  /** Absolute path of the file that was asked for, and what it says. */
  readonly entry: string;
  readonly source: string;
  /** Every file by its absolute path. */
  readonly sources: ReadonlyMap<string, string>;
  /** Interface as it is spelled → a file that imports it; sorted. */
  readonly witImports: ReadonlyMap<string, string>;
  readonly exports: string[];
  /** The deepest folder that holds every file. */
  readonly root: string;
}

/** Throws component.unsupported for what cannot be part of a guest, naming the file. */
export async function readModules(entry: string): Promise<GuestModules> {
  await init;
  const sources = new Map<string, string>();
  const witImports = new Map<string, string>();
  let exports: string[] = [];
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (sources.has(file)) continue;
    if (sources.size === MAX_FILES) throw unsupported(`${entry} imports more than ${MAX_FILES} files`);
    const source = await readSource(file);
    sources.set(file, source);
    const found = lex(source, file);
    if (file === entry) exports = found.exports;
    for (const specifier of found.imports) {
      if (WIT_INTERFACE.test(specifier)) witImports.set(specifier, file);
      else if (/^\.{1,2}\//.test(specifier)) waiting.push(resolve(dirname(file), specifier));
      else throw unsupported(`${file} imports "${specifier}": bundle packages into the guest first`);
    }
  }
  return {
    entry,
    source: sources.get(entry) ?? '',
    sources,
    witImports: new Map([...witImports].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    exports,
    root: commonFolder([...sources.keys()]),
  };
}

function lex(source: string, file: string): { imports: string[]; exports: string[] } {
  try {
    const [imports, exports] = parse(source, file);
    return {
      imports: imports.flatMap(({ n }) => (n === undefined ? [] : [n])),
      exports: exports.map(({ n }) => n),
    };
  } catch (error) {
    throw unsupported(`${file} is no JavaScript module: ${(error as Error).message}`, error);
  }
}

async function readSource(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new WaferError('cli.usage', `${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function commonFolder(files: readonly string[]): string {
  let folder = dirname(files[0] ?? '/');
  while (files.some((file) => relative(folder, file).split(sep)[0] === '..')) folder = dirname(folder);
  return folder;
}

const unsupported = (reason: string, cause?: unknown): WaferError =>
  new WaferError('component.unsupported', reason, { cause });
