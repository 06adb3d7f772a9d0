/**
 * Programs that run in threads and processes of their own, for an agent that runs from its sources and
 * for a built one, which lies in dist/<fingerprint>/ with those of its threads beside it.
 */

/** The thread's program → its first module, within the folder of sources. */
export const PROGRAMS = {
  board: 'capabilities/board/thread.ts',
  isolate: 'apps/worker.ts',
  keeper: 'capabilities/keyvalue/keeper.ts',
  network: 'capabilities/http/thread.ts',
  selfTest: 'self-test/child.ts',
} as const;

const isBuilt = import.meta.url.endsWith('.cjs');

/** The folder of this file's sources. */
export const SOURCES = new URL(isBuilt ? '../../src/' : './', import.meta.url);

/** What a thread begins with: in a built agent one file, CommonJS, that ends in `.cjs`. */
export const programUrl = (name: keyof typeof PROGRAMS): URL =>
  isBuilt ? new URL(`./${name}.cjs`, import.meta.url) : new URL(PROGRAMS[name], SOURCES);
