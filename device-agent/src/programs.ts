/**
 * Programs that run in threads and processes of their own, for an agent that runs from its sources and
 * for a built one, which has those of its threads beside it, and reads no sources.
 */

/** The thread's program → its first module, within the folder of sources. */
export const PROGRAMS = {
  board: 'capabilities/board/thread.ts',
  isolate: 'apps/worker.ts',
  keeper: 'capabilities/keyvalue/keeper.ts',
  network: 'capabilities/http/thread.ts',
  selfTest: 'self-test/child.ts',
} as const;

/** Whether this is a build, in which every program is one file that ends in `.cjs`. */
export const isBuilt = import.meta.url.endsWith('.cjs');

const beside = (built: string, source: string): URL => new URL(isBuilt ? built : source, import.meta.url);

/** What a thread begins with. */
export const programUrl = (name: keyof typeof PROGRAMS): URL =>
  beside(`./${name}.cjs`, `./${PROGRAMS[name]}`);

/** What the child that transpiles begins with. */
export const TRANSPILE: URL = beside('./transpile.mjs', './apps/transpile.ts');

/** The agent that `run` becomes, in a build. */
export const AGENT: URL = beside('./agent.cjs', './built.ts');

/** Addons, a folder for each architecture. */
export const NATIVES: URL = beside('./native/', '../native/');
