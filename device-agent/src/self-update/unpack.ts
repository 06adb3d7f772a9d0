/** An agent's verified bundle → versions/<digest>, which is there whole or not at all. */
import { chmod, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FaultError, WaferError, type Digest } from '@wafer/protocol';
import { readAgentBundle, type AgentBundle, type BundledFile } from '@wafer/protocol/agent-bundle';
import { syncFolder, writeSynced } from '../state/durable.ts';
import type { Links } from './links.ts';

/** Rejects with a `prepare` or an `incompatible` fault. */
function readBundle(bytes: Uint8Array, node: string): AgentBundle {
  try {
    const bundle = readAgentBundle(bytes);
    if (isOlder(node, bundle.manifest.node)) {
      throw new FaultError(
        'incompatible',
        `agent ${bundle.manifest.version} needs Node ${bundle.manifest.node}, and this board has ${node}: update it first`,
        'node',
      );
    }
    return bundle;
  } catch (error) {
    if (!(error instanceof WaferError)) throw error;
    throw new FaultError('prepare', `The agent cannot be unpacked: ${error.message}`, undefined, {
      cause: error,
    });
  }
}

/** Of two versions as `24.15.0`. */
export function isOlder(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split('-')[0]!.split('.').map(Number));
  const at = left!.findIndex((part, index) => part !== right![index]);
  return at >= 0 && left![at]! < right![at]!;
}

async function isWhole(folder: string, files: readonly BundledFile[]): Promise<boolean> {
  for (const { path, bytes } of files) {
    const found = await readFile(join(folder, path)).catch(() => undefined);
    if (found === undefined || !found.equals(bytes)) return false;
  }
  return true;
}

/** Answers the folder. A version that is there already is believed only file by file. */
export async function unpack(
  links: Links,
  digest: Digest,
  bytes: Uint8Array,
  node = process.versions.node,
): Promise<string> {
  const { files } = readBundle(bytes, node);
  const folder = join(links.versions, digest);
  if (await isWhole(folder, files)) return folder;
  const fresh = `${folder}.new`;
  await rm(fresh, { recursive: true, force: true });
  const folders = new Set(files.map(({ path }) => dirname(join(fresh, path))));
  for (const each of folders) await mkdir(each, { recursive: true, mode: 0o700 });
  for (const { path, bytes: content, isExecutable } of files) {
    await writeSynced(join(fresh, path), content, 0o600);
    if (isExecutable) await chmod(join(fresh, path), 0o700);
  }
  for (const each of [...folders, fresh]) await syncFolder(each);
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
  await syncFolder(links.versions);
  return folder;
}
