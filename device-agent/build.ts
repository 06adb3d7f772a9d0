/**
 * Builds the agent into one file for each of its programs: the agent itself, the isolate that guests run
 * in, and the keeper of their stores. Names stay as they are, so that a stack can be read.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { build as bundle, type Plugin } from 'esbuild';

const SOURCES = join(import.meta.dirname, 'src');

/** The program's name → its first module. */
const PROGRAMS = { agent: 'built.ts', isolate: 'apps/worker.ts', keeper: 'capabilities/keyvalue/keeper.ts' };

/** Never used by the agent, and large: error messages in 50 languages, MQTT over WebSocket and SOCKS. */
const UNUSED = /^(ws|socks|\.\.\/locales\/index\.js)$/;

const leanest: Plugin = {
  name: 'leanest',
  setup(hooks) {
    hooks.onResolve({ filter: UNUSED }, ({ path }) => ({ path, namespace: 'unused' }));
    hooks.onLoad({ filter: /./, namespace: 'unused' }, ({ path }) => ({
      contents: path.includes('locales') ? 'export {};' : 'module.exports = {};',
    }));
  },
};

/** Fills `folder`, which appears whole or not at all. Others beside it are of other sources, and go. */
export async function build(folder: string): Promise<void> {
  const parent = dirname(folder);
  const temporary = join(parent, `.${process.pid}-${randomUUID()}`);
  await mkdir(temporary, { recursive: true });
  try {
    await bundle({
      entryPoints: Object.fromEntries(
        Object.entries(PROGRAMS).map(([name, file]) => [name, join(SOURCES, file)]),
      ),
      outdir: temporary,
      outExtension: { '.js': '.cjs' },
      bundle: true,
      platform: 'node',
      target: 'node24',
      // An ES module would bring its loader into every thread.
      format: 'cjs',
      banner: { js: "const builtUrl = require('node:url').pathToFileURL(__filename).href;" },
      define: { 'import.meta.url': 'builtUrl' },
      minifyWhitespace: true,
      minifySyntax: true,
      plugins: [leanest],
      logLevel: 'silent',
    });
    if (!existsSync(folder)) await rename(temporary, folder);
    for (const name of await readdir(parent)) {
      const isOld = /^[0-9a-f]{16}$/.test(name) && name !== basename(folder);
      if (isOld) await rm(join(parent, name), { recursive: true, force: true });
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
