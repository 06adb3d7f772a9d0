/** Targets in a folder: each under its own encoded path, and only ever whole and verified. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TargetFile } from '@tufjs/models';
import { FaultError } from '@wafer/protocol';
import { replaceFile } from '../state/durable.ts';
import type { Verifier } from '../trust/chain.ts';
import { download, urlOf } from './http.ts';

export interface TargetsOptions {
  readonly baseUrl: string;
  readonly folder: string;
}

/** Rejects with a fault: `signature` when nobody signed it, `digest` when it is not what was signed. */
export async function bringTarget(chain: Verifier, path: string, options: TargetsOptions): Promise<void> {
  const target = await chain.find(path);
  if (target === undefined) throw new FaultError('signature', `nobody signed a target ${path}`, path);
  const file = join(options.folder, encodeURIComponent(path));
  const kept = await readFile(file).catch(() => undefined);
  if (kept !== undefined && difference(target, kept) === undefined) return;
  const bytes = await download(
    urlOf(options.baseUrl, pathOnServer(target, chain.hasConsistentSnapshots)),
    target.length,
  );
  if (bytes === undefined) throw new FaultError('link', `the server has no ${path}`, path);
  const wrong = difference(target, bytes);
  if (wrong !== undefined) throw new FaultError('digest', `${path} is not what was signed: ${wrong}`, path);
  await replaceFile(file, bytes, 0o644);
}

/** With consistent snapshots the file's name begins with one of its hashes (TUF 1.0, 5.7.3). */
function pathOnServer({ path, hashes }: TargetFile, isConsistent: boolean): string {
  if (!isConsistent) return path;
  const at = path.lastIndexOf('/') + 1;
  const hash = hashes.sha256 ?? Object.values(hashes)[0] ?? '';
  return `${path.slice(0, at)}${hash}.${path.slice(at)}`;
}

/** Every hash that was signed must fit, so one that is not known here fits nothing. */
function difference({ length, hashes }: TargetFile, bytes: Buffer): string | undefined {
  if (bytes.length !== length) return `it has ${bytes.length} bytes instead of ${length}`;
  if (Object.keys(hashes).length === 0) return 'it was signed without a hash';
  return Object.entries(hashes)
    .filter(([name, hash]) => digest(name, bytes) !== hash)
    .map(([name]) => `its ${name} differs`)[0];
}

function digest(name: string, bytes: Buffer): string | undefined {
  try {
    return createHash(name).update(bytes).digest('hex');
  } catch {
    return undefined;
  }
}
