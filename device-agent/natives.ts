/**
 * What of koffi a packaged agent needs, for every architecture that it runs on:
 * `<folder>/linux-<architecture>/koffi.node`, where src/capabilities/board/native.ts looks.
 *
 * npm installs the one of its own machine. The others come from the registry, by npm, in the version that is
 * installed here, held to the hash that package-lock.json has of them, and are kept beside the builds.
 */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { NATIVE_BUILDS } from './src/capabilities/board/native.ts';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const KEPT = join(import.meta.dirname, 'dist/native');

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity?: string }>>;
}

/** Undefined where npm did not install it. */
function installed(name: string): string | undefined {
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

async function lockedAs(name: string) {
  const lock = JSON.parse(await readFile(join(import.meta.dirname, '../package-lock.json'), 'utf8')) as Lock;
  const { version, integrity } = lock.packages[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined)
    throw new Error(`package-lock.json has no hash of ${name}`);
  return { version, integrity };
}

/** Brings it to `into`, and answers the folder that it is in. */
async function fetchPackage(name: string, into: string): Promise<string> {
  const locked = await lockedAs(name);
  await mkdir(into, { recursive: true });
  await run('npm', ['pack', `${name}@${locked.version}`, '--pack-destination', into, '--silent'], {
    cwd: into,
  });
  const [archive] = (await readdir(into)).filter((file) => file.endsWith('.tgz'));
  if (archive === undefined) throw new Error(`npm brought no ${name}`);
  const file = join(into, archive);
  const hash = `sha512-${createHash('sha512')
    .update(await readFile(file))
    .digest('base64')}`;
  if (hash !== locked.integrity) throw new Error(`${name} is not what package-lock.json has the hash of`);
  await run('tar', ['-xzf', file, '-C', into]);
  return join(into, 'package');
}

async function koffiFor(arch: string, build: string): Promise<string> {
  const name = `@koromix/koffi-linux-${arch}`;
  const here = installed(name);
  if (here !== undefined) return join(here, build, 'koffi.node');
  const { version } = await lockedAs(name);
  const kept = join(KEPT, version, arch, 'koffi.node');
  if (existsSync(kept)) return kept;
  const temporary = join(KEPT, `.${process.pid}-${randomUUID()}`);
  try {
    const folder = await fetchPackage(name, temporary);
    await mkdir(dirname(kept), { recursive: true });
    await rename(join(folder, build, 'koffi.node'), kept);
    return kept;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Rejects where one is neither installed nor to be had from the registry. */
export async function collectNatives(folder: string): Promise<void> {
  for (const [arch, build] of Object.entries(NATIVE_BUILDS)) {
    const target = join(folder, `linux-${arch}`);
    await mkdir(target, { recursive: true });
    await copyFile(await koffiFor(arch, build), join(target, 'koffi.node'));
  }
}

if (import.meta.main) {
  const folder = process.argv[2] ?? join(import.meta.dirname, 'dist/natives');
  await collectNatives(folder);
  process.stdout.write(`${folder}\n`);
}
