/**
 * The cluster on disk: making it, and stopping whatever runs in it. `<folder>/cluster` is Postgres'
 * own, `<folder>/password` its superuser's password, 0600; both belong to the user that it runs as.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import postgres from 'postgres';
import { StartError } from '../config.ts';
import { findBinaries, type Binaries } from './binaries.ts';
import { postgresUser, refuseBlockedFolders, type OsUser } from './os-user.ts';
import { writeSecretOnce } from './secret-file.ts';

export interface Cluster {
  readonly folder: string;
  /** Where Postgres keeps its files. */
  readonly path: string;
  readonly password: string;
  readonly binaries: Binaries;
  /** Absent when this process is not root. */
  readonly user: OsUser | undefined;
}

export const clusterUrl = ({ password }: Cluster, port: number): string =>
  `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;

/** Finds the cluster or makes it. Whoever calls holds the lock of the data folder. */
export async function openCluster(folder: string): Promise<Cluster> {
  const path = join(folder, 'cluster');
  const binaries = await findBinaries();
  const owner = await ownerOf(path);
  const user = await postgresUser(owner);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (user !== undefined) {
    await chown(folder, user.uid, user.gid);
    await refuseBlockedFolders(user, [folder, binaries.postgres]);
  }
  const passwordFile = join(folder, 'password');
  const password = await writeSecretOnce(passwordFile, () => randomBytes(32).toString('base64url'));
  if (user !== undefined) await chown(passwordFile, user.uid, user.gid);
  const cluster = { folder, path, password, binaries, user };
  if (owner === undefined) await initialise(cluster, passwordFile);
  return cluster;
}

/** A cluster appears whole: it is made beside its place, and renamed once initdb has succeeded. */
async function initialise(cluster: Cluster, passwordFile: string): Promise<void> {
  const fresh = join(cluster.folder, 'cluster.new');
  await rm(fresh, { recursive: true, force: true });
  const { code, output } = await run(cluster, cluster.binaries.initdb, [
    `--pgdata=${fresh}`,
    `--pwfile=${passwordFile}`,
    '--username=postgres',
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
  ]);
  if (code !== 0)
    throw new StartError(`Postgres could not make its cluster in ${fresh}: ${lastLine(output)}`);
  await rename(fresh, cluster.path);
}

/**
 * Stops the Postgres that a killed server left behind. Only one that takes our password is ours:
 * after a power cut the pid in its file may belong to anything.
 */
export async function stopOrphan(cluster: Cluster): Promise<void> {
  const lines = (await readFile(join(cluster.path, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const port = Number(lines[3]);
  if (!Number.isInteger(port) || port === 0) return;
  const sql = postgres(clusterUrl(cluster, port), { max: 1, connect_timeout: 2 });
  const isOurs = await sql`select 1`.then(
    () => true,
    () => false,
  );
  await sql.end({ timeout: 1 });
  if (isOurs) await stopCluster(cluster);
}

/** Resolves when Postgres has written everything and ended. */
export async function stopCluster(cluster: Cluster): Promise<void> {
  const args = ['-D', cluster.path, '-m', 'fast', '-w', '-t', '30', 'stop'];
  const { code, output } = await run(cluster, cluster.binaries.pgCtl, args);
  if (code !== 0) throw new StartError(`The Postgres in ${cluster.path} did not stop: ${lastLine(output)}`);
}

/** Runs one of Postgres' tools to its end. */
async function run(
  { folder, user }: Cluster,
  binary: string,
  args: readonly string[],
): Promise<{ code: number | null; output: string }> {
  const child = spawn(binary, args, {
    ...user,
    cwd: folder,
    windowsHide: true,
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, output: error.message }));
    child.once('close', (code) => resolve({ code, output }));
  });
}

const ownerOf = (path: string): Promise<OsUser | undefined> =>
  stat(path).then(
    ({ uid, gid }) => ({ uid, gid }),
    () => undefined,
  );

export const lastLine = (output: string): string => output.trim().split('\n').at(-1) || 'it said nothing';
