/**
 * The staged tree: all that a board needs beside Node, and what packages are made of.
 *
 *     wafer-agent.json          which agent this is
 *     bin/wafer-agent           the starter
 *     lib/*.cjs, *.mjs, *.wasm  the agent, its commands, its threads, its transpiler
 *     lib/native/<platform>-<arch>/   addons, for those that can load them
 *     share/                    the unit, the owner's file with its comments, the Containerfile, the licences
 *
 * It is the same on every architecture, runs from anywhere, needs no npm, and is never written to.
 */
import { existsSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AGENT_MANIFEST, type AgentManifest } from '@wafer/protocol/agent-bundle';
import { Version } from '@wafer/protocol';
import { build, LICENCES } from '../build.ts';
import { RELEASE } from '../src/release.ts';

const FILES = join(import.meta.dirname, 'files');

/** Lowest Node that runs it; require-node.mjs says the same. */
const NODE = '24.15.0';

const SHARED = ['wafer-agent.service', 'agent.yaml', 'Containerfile'];

export interface Staged {
  readonly version: Version;
  /** Absolute. */
  readonly folder: string;
}

/** Makes `folder` anew. `version` is another than this agent's only in tests. */
export async function stage(folder: string, version: string = RELEASE.version): Promise<Staged> {
  const built = await build();
  await rm(folder, { recursive: true, force: true });
  for (const name of ['bin', 'lib', 'share']) await mkdir(join(folder, name), { recursive: true });
  for (const name of await readdir(built)) {
    const part = name === LICENCES ? 'share' : 'lib';
    await cp(join(built, name), join(folder, part, name), { recursive: true });
  }
  await copyFile(join(FILES, 'board.sh'), join(folder, 'lib/board.sh'));
  await copyFile(join(FILES, 'wafer-agent'), join(folder, 'bin/wafer-agent'));
  await chmod(join(folder, 'bin/wafer-agent'), 0o755);
  for (const name of SHARED) {
    if (existsSync(join(FILES, name))) await copyFile(join(FILES, name), join(folder, 'share', name));
  }
  const manifest: AgentManifest = { wafer: 'agent', format: 1, version: Version.parse(version), node: NODE };
  await writeFile(join(folder, AGENT_MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  return { version: manifest.version, folder };
}
