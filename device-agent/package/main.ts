/**
 * `npm run package`: everything that people install an agent by, in `--out DIR` (dist/package at the root).
 *
 *   stage     the tree that runs on every board          tarball   the tree, for any Linux, and for self-update
 *   deb       the tree, user, unit, for Debian and kin   share/Containerfile   the tree, for Docker and Podman
 *
 * `--version` names another than these sources', for tests of upgrades. Says on its last line, as one JSON object, where they are.
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { makeDeb } from './deb.ts';
import { stage } from './stage.ts';
import { makeTarball } from './tarball.ts';

const { values } = parseArgs({ options: { out: { type: 'string' }, version: { type: 'string' } } });
const out = resolve(values.out ?? join(import.meta.dirname, '../../dist/package'));
await mkdir(out, { recursive: true });
const staged = await stage(join(out, 'wafer-agent'), values.version);
const tarball = await makeTarball(staged, out);
const deb = await makeDeb(staged, out);
const containerfile = join(staged.folder, 'share/Containerfile');
process.stdout.write(
  `${JSON.stringify({ version: staged.version, tarball, deb, containerfile, folder: staged.folder })}\n`,
);
