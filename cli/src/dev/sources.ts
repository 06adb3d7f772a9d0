/**
 * Where a place in a guest's stack is in the files that the person edits. The engine names files by
 * their path below the folder that holds them all, `/part.js:6:22`; a file that was bundled or compiled
 * says itself, in its source map, what it was made of.
 */
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';

const PLACE = /(\/[^\s():]+):(\d+):(\d+)/g;
const MAP_COMMENT = /^\/\/[#@] sourceMappingURL=(\S+)\s*$/m;
const INLINE = /^data:application\/json[^,]*;base64,/;

/** Rewrites the places in `text` that are in files below `root`; paths come out relative to `cwd`. */
export function mapPlaces(text: string, root: string, cwd: string): string {
  return text.replaceAll(PLACE, (place, path: string, line: string, column: string) => {
    const file = join(root, path);
    if (!existsSync(file)) return place;
    const original = originOf(file, Number(line), Number(column));
    const shown = relative(cwd, original.file);
    const name = shown.startsWith('..') ? original.file : shown;
    return `${name}:${original.line}:${original.column}`;
  });
}

interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

function originOf(file: string, line: number, column: number): Place {
  const same = { file, line, column };
  try {
    const map = readMap(file);
    const origin = map?.findOrigin(line, column);
    if (origin === undefined || !('fileName' in origin)) return same;
    const folder = join(dirname(file), map?.payload.sourceRoot ?? '');
    const { fileName, lineNumber, columnNumber } = origin;
    return { file: resolve(folder, fileName), line: lineNumber, column: columnNumber };
  } catch {
    // A map that cannot be read helps nobody; the place in the file itself still does.
    return same;
  }
}

function readMap(file: string): SourceMap | undefined {
  const [, url] = MAP_COMMENT.exec(readFileSync(file, 'utf8')) ?? [];
  if (url === undefined) return undefined;
  const text = INLINE.test(url)
    ? Buffer.from(url.replace(INLINE, ''), 'base64').toString('utf8')
    : readFileSync(resolve(dirname(file), decodeURIComponent(url)), 'utf8');
  return new SourceMap(JSON.parse(text) as SourceMapPayload);
}
