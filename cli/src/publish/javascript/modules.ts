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
  /** Absolute path → text, the entry and all that it imports. */
  readonly sources: ReadonlyMap<string, string>;
  /** Interface as it is spelled → a file that imports it; sorted. */
  readonly witImports: ReadonlyMap<string, string>;
  readonly exports: string[];
  /** The deepest folder that holds every file. */
  readonly root: string;
}

/**
 * Throws component.unsupported for what cannot be part of a guest, naming the file. `onFile` is told of
 * each file before it is read, so also of those that make it throw.
 */
export async function readModules(
  entry: string,
  onFile: (file: string) => void = () => undefined,
): Promise<GuestModules> {
  await init;
  const sources = new Map<string, string>();
  const witImports = new Map<string, string>();
  let exports: string[] = [];
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (sources.has(file)) continue;
    if (sources.size === MAX_FILES) throw unsupported(`${entry} imports more than ${MAX_FILES} files`);
    onFile(file);
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
    throw unsupported(`${file} is no JavaScript module: ${whereOf(error)}`, error);
  }
}

/** The lexer tells a place, but for what is still open at the end. */
function whereOf(error: unknown): string {
  const { idx = 0, message } = error as Error & { idx?: number };
  return idx === 0 ? 'something in it is opened and never closed, such as a bracket' : message;
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
