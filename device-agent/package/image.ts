/**
 * The staged tree as a container image, by whichever builder this machine has: Docker, Podman or Buildah. The base
 * comes from where the builder takes images from.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Staged } from './stage.ts';

/** Builder → what it takes beside the others; Docker's format is the one that has health checks. */
const BUILDERS: Readonly<Record<string, readonly string[]>> = {
  docker: [],
  podman: ['--format', 'docker'],
  buildah: ['--format', 'docker'],
};

/** The first that answers: Docker's command alone, without its daemon, builds nothing. */
function builder(env: NodeJS.ProcessEnv): string {
  const found = Object.keys(BUILDERS).find(
    (name) => spawnSync(name, ['info'], { env, stdio: 'ignore' }).status === 0,
  );
  if (found !== undefined) return found;
  throw new Error('an image takes docker, podman or buildah, and none of them answers here');
}

/** Answers its name. `base` is another than the Containerfile's. Rejects where nothing builds images. */
export async function makeImage(
  { folder, version }: Staged,
  base?: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const name = `wafer-agent:${version}`;
  const program = builder(env);
  const args = [
    'build',
    '-t',
    name,
    '-f',
    join(folder, 'share/Containerfile'),
    ...BUILDERS[program]!,
    ...(base === undefined ? [] : ['--build-arg', `BASE=${base}`]),
    folder,
  ];
  // What it says while it builds is for people; the last line of our output is for scripts.
  const child = spawn(program, args, { env, stdio: ['ignore', 2, 2] });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} build ended with ${code}`);
  return name;
}
