/**
 * Programs that run in threads and processes of their own, for an agent that runs from its sources and
 * for a built one, which lies in dist/<fingerprint>/ with its isolate and its keeper beside it.
 */
const isBuilt = import.meta.url.endsWith('.cjs');

/** The folder of this file's sources. */
export const SOURCES = new URL(isBuilt ? '../../src/' : './', import.meta.url);

/** Built for this very purpose, as CommonJS; undefined when the agent runs from its sources. */
export const builtProgram = (name: 'isolate' | 'keeper'): URL | undefined =>
  isBuilt ? new URL(`./${name}.cjs`, import.meta.url) : undefined;
