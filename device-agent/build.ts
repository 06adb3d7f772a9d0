/**
 * Builds the agent into one file for each of its programs: the agent itself, and its threads: the isolate
 * that guests run in, the keeper of their stores, the network for their requests. Names stay as they are, so that a stack can be read.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build as bundle, type Plugin } from 'esbuild';
import { PROGRAMS } from './src/programs.ts';

const SOURCES = join(import.meta.dirname, 'src');

/** The program's name → its first module. */
const ENTRIES = { agent: 'built.ts', ...PROGRAMS };

/** Builds that are kept, the newest among them. */
const KEPT = 4;

/** Never used by the agent, and large: error messages in 50 languages, MQTT in browsers and over SOCKS. */
const UNUSED = /^(ws|socks|worker-timers|\.\.\/locales\/index\.js)$/;

/** A module of its own that is read only on a board with a file in YAML. */
const SELDOM = /^yaml$/;
const loadedLater = (path: string): string =>
  `module.exports = { parse: (text) => require('./${path}.cjs').parse(text) };`;

/** What `import { z }` brings whole, this brings as far as it is used. */
const PARTLY = ["import { z } from 'zod';", "import * as z from 'zod';"] as const;

const leanest: Plugin = {
  name: 'leanest',
  setup(hooks) {
    hooks.onResolve({ filter: UNUSED }, ({ path }) => ({ path, namespace: 'unused' }));
    hooks.onLoad({ filter: /./, namespace: 'unused' }, ({ path }) => ({
      contents: path.includes('locales') ? 'export {};' : 'module.exports = {};',
    }));
    hooks.onResolve({ filter: SELDOM }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path, namespace: 'later' },
    );
    hooks.onResolve({ filter: /^\.\//, namespace: 'later' }, ({ path }) => ({ path, external: true }));
    hooks.onLoad({ filter: /./, namespace: 'later' }, ({ path }) => ({ contents: loadedLater(path) }));
    // A copy of Node's own, for browsers and for versions of Node that had it otherwise.
    hooks.onResolve({ filter: /^readable-stream$/ }, () => ({ path: 'node:stream', external: true }));
    hooks.onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(...PARTLY),
      loader: 'ts',
    }));
  },
};

/** Builds of other sources go, but not the latest: an agent that runs from one still starts threads from it. */
async function sweep(parent: string): Promise<void> {
  const names = (await readdir(parent)).filter((name) => /^[0-9a-f]{16}$/.test(name));
  const builds = await Promise.all(
    names.map(async (name) => ({ path: join(parent, name), at: (await stat(join(parent, name))).mtimeMs })),
  );
  const old = builds.toSorted((a, b) => b.at - a.at).slice(KEPT);
  await Promise.all(old.map(({ path }) => rm(path, { recursive: true, force: true })));
}

/** Fills `folder`, which appears whole or not at all. */
export async function build(folder: string): Promise<void> {
  const parent = dirname(folder);
  const temporary = join(parent, `.${process.pid}-${randomUUID()}`);
  await mkdir(temporary, { recursive: true });
  try {
    await bundle({
      entryPoints: {
        ...Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [name, join(SOURCES, file)])),
        yaml: 'yaml',
      },
      outdir: temporary,
      outExtension: { '.js': '.cjs' },
      bundle: true,
      absWorkingDir: import.meta.dirname,
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
    await sweep(parent);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
