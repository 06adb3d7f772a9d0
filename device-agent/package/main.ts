/**
 * `npm run package`: everything that people install an agent by, in `--out DIR` (dist/package at the root).
 *
 *   stage     the tree that runs on every board          tarball   the tree, for any Linux, and for self-update
 *   deb       the tree, user, unit, for Debian and kin   image     the tree, for Docker and Podman, if asked for
 *
 * `--image` builds the image as well, `--base` takes another base for it; share/Containerfile is there in any
 * case. `--version` names another than these sources', for tests of upgrades. Says on its last line, as one JSON
 * object, where they are.
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { makeDeb } from './deb.ts';
import { makeImage } from './image.ts';
import { stage } from './stage.ts';
import { makeTarball } from './tarball.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    version: { type: 'string' },
    image: { type: 'boolean', default: false },
    base: { type: 'string' },
  },
});

async function makePackages(): Promise<object> {
  const out = resolve(values.out ?? join(import.meta.dirname, '../../dist/package'));
  await mkdir(out, { recursive: true });
  const staged = await stage(join(out, 'wafer-agent'), values.version);
  const tarball = await makeTarball(staged, out);
  const deb = await makeDeb(staged, out);
  const containerfile = join(staged.folder, 'share/Containerfile');
  const made = { version: staged.version, tarball, deb, containerfile, folder: staged.folder };
  const image = values.image ? { image: await makeImage(staged, values.base) } : {};
  return { ...made, ...image };
}

try {
  process.stdout.write(`${JSON.stringify(await makePackages())}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
