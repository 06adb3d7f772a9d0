/**
 * The programs of threads. A built agent has each in one file. From sources it is their modules, their
 * types stripped: a thread that strips types itself loads a compiler for it and keeps it, which makes up
 * most of an isolate's memory. So the main thread, which has that compiler anyway, does it once for all,
 * and a thread loads its modules from here, under their own names.
 */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';

const IMPORTED = /^(?:import|export|\}) ?(?:[^'\n]*? from )?'([^'\n]+)';$/gm;

/** Module's URL → its JavaScript. */
type Sources = Map<string, string>;

/** Node tells of the stripper's stage on standard error, though it is behind every `.ts` file here. */
function quietly(run: () => void): void {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    run();
  } finally {
    process.emitWarning = emitWarning;
  }
}

function collect(url: string, sources: Sources): void {
  if (sources.has(url) || !url.endsWith('.ts')) return;
  const source = stripTypeScriptTypes(readFileSync(new URL(url), 'utf8'));
  sources.set(url, source);
  for (const [, specifier] of source.matchAll(IMPORTED)) {
    const isRelative = specifier!.startsWith('.');
    collect(isRelative ? new URL(specifier!, url).href : import.meta.resolve(specifier!), sources);
  }
}

/** What a thread runs first (CommonJS): a module that is not among the sources is loaded as ever. */
const BOOT = `
  const { registerHooks } = require('node:module');
  const { workerData: { main, sources } } = require('node:worker_threads');
  registerHooks({
    load(url, context, next) {
      const source = sources.get(url);
      return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true };
    },
  });
  void import(main);
`;

interface Program {
  /** What the thread runs first, CommonJS. */
  readonly code: string;
  /** What it needs for that, beside its port. */
  readonly data: { readonly main?: string; readonly sources?: Sources };
}

const programs = new Map<string, Program>();

function read(main: URL): Program {
  if (main.pathname.endsWith('.cjs')) {
    // Code that is evaluated does not know where it lies; some look for files beside it.
    const place = `const __filename = ${JSON.stringify(fileURLToPath(main))};`;
    return { code: place + readFileSync(main, 'utf8'), data: {} };
  }
  const sources: Sources = new Map();
  quietly(() => collect(main.href, sources));
  return { code: BOOT, data: { main: main.href, sources } };
}

/** `main` is the thread's first module, or its program in one file. */
export function threadProgram(main: URL): Program {
  const known = programs.get(main.href) ?? read(main);
  programs.set(main.href, known);
  return known;
}
