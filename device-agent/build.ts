/**
 * Builds the agent into one file for each of its programs: the agent itself, its commands, its threads (the
 * isolate that guests run in, the keeper of their stores, the network for their requests) and the child that
 * transpiles, with the core modules of the transpiler beside it. Names stay as they are, so that a stack can
 * be read. A build needs nothing but itself and Node; it lies in dist/<fingerprint of the sources>/, and is
 * made once.
 *
 * Run by itself it makes that folder and says where it is.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';
import { licencesOf } from './licences.ts';
import { PROGRAMS } from './src/programs.ts';
import { transpilerVersion } from './src/transpiler.ts';

const ROOT = import.meta.dirname;
const SOURCES = join(ROOT, 'src');
const PROTOCOL = join(ROOT, '../protocol');

/** The program's name → its first module. */
const ENTRIES = { agent: 'built.ts', cli: 'packaged.ts', ...PROGRAMS };

/** Addons, a folder for each architecture. */
const NATIVES = readdirSync(join(ROOT, 'native')).filter((name) => name.startsWith('linux-'));

/** Of what is built in. */
export const LICENCES = 'licences.txt';

/** All of them say what they were made of. */
type Options = BuildOptions & { metafile: true };

/** Builds that are kept, the newest among them. */
const KEPT = 4;

/**
 * Never used by the agent, and large: error messages in 50 languages, MQTT in browsers and over SOCKS. And
 * this file: a build builds nothing.
 */
const UNUSED = /^(ws|socks|worker-timers|\.\.\/locales\/index\.js|\.\.\/build\.ts)$/;

/** What the transpiler loads from beside its file: itself, and the thread of its standard streams. */
const BESIDE_TRANSPILER = [
  'jco-transpile/vendor/js-component-bindgen-component.core.wasm',
  'jco-transpile/vendor/js-component-bindgen-component.core2.wasm',
  'jco-transpile/node_modules/@bytecodealliance/preview2-shim/dist/io/worker-thread.bundle.js',
];

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

/** Of everything that a build is made of; packages by the versions that are locked. */
function fingerprint(): string {
  const hash = createHash('sha256');
  for (const folder of [ROOT, PROTOCOL]) {
    const sources = readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' }).toSorted();
    const files = sources.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
    for (const name of ['package.json', ...files.map((file) => join('src', file))]) {
      hash
        .update(`${name}\0`)
        .update(readFileSync(join(folder, name)))
        .update('\0');
    }
  }
  for (const name of NATIVES)
    hash.update(name).update(readFileSync(join(ROOT, 'native', name, 'board.node')));
  const lock = join(ROOT, '../package-lock.json');
  const makers = [import.meta.filename, join(ROOT, 'licences.ts'), lock];
  for (const path of makers) if (existsSync(path)) hash.update(readFileSync(path));
  return hash.digest('hex').slice(0, 16);
}

const shared = (outdir: string): Options => ({
  outdir,
  bundle: true,
  absWorkingDir: ROOT,
  platform: 'node',
  target: 'node24',
  define: { TRANSPILER_VERSION: JSON.stringify(transpilerVersion()) },
  minifyWhitespace: true,
  minifySyntax: true,
  plugins: [leanest],
  metafile: true,
  logLevel: 'silent',
});

const programs = (outdir: string): Options => {
  const options = shared(outdir);
  return {
    ...options,
    entryPoints: {
      ...Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [name, join(SOURCES, file)])),
      yaml: 'yaml',
    },
    outExtension: { '.js': '.cjs' },
    // An ES module would bring its loader into every thread.
    format: 'cjs',
    banner: { js: "const builtUrl = require('node:url').pathToFileURL(__filename).href;" },
    define: { ...options.define, 'import.meta.url': 'builtUrl' },
  };
};

/** A process of its own, and asynchronous from its first line: what only an ES module can be. */
const transpiler = (outdir: string): Options => ({
  ...shared(outdir),
  entryPoints: { transpile: join(SOURCES, 'apps/transpile.ts') },
  outExtension: { '.js': '.mjs' },
  format: 'esm',
});

/** A file of a package, wherever npm put it. */
function beside(path: string): string {
  const [found] = [ROOT, join(ROOT, '..')]
    .map((folder) => join(folder, 'node_modules/@bytecodealliance', path))
    .filter((file) => existsSync(file));
  if (found === undefined) throw new Error(`${path} is not installed`);
  return found;
}

/** Answers the build's folder, which appears whole or not at all. Rejects where there is nothing to build with. */
export async function build(): Promise<string> {
  const parent = join(ROOT, 'dist');
  const folder = join(parent, fingerprint());
  if (existsSync(folder)) return folder;
  // Boards that are given a build have no builder.
  const { build: bundle } = await import('esbuild');
  const temporary = join(parent, `.${process.pid}-${randomUUID()}`);
  await mkdir(temporary, { recursive: true });
  try {
    const made = [await bundle(programs(temporary)), await bundle(transpiler(temporary))];
    const copied = BESIDE_TRANSPILER.map(beside);
    for (const path of copied) await copyFile(path, join(temporary, basename(path)));
    const sources = made
      .flatMap(({ metafile }) => Object.keys(metafile.inputs))
      .map((path) => join(ROOT, path));
    await writeFile(join(temporary, LICENCES), await licencesOf([...sources, ...copied]));
    // Of other architectures too: what is packed here runs there.
    for (const name of NATIVES) {
      const from = join(ROOT, 'native', name);
      await cp(from, join(temporary, 'native', name), { recursive: true });
    }
    await rename(temporary, folder).catch((error: unknown) => {
      // Another agent, started in the same moment, has made the same.
      if (!existsSync(folder)) throw error;
    });
    await sweep(parent);
    return folder;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

if (import.meta.main) process.stdout.write(`${await build()}\n`);
