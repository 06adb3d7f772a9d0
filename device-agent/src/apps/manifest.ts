/**
 * A prepared component on disk: a folder with JavaScript, core modules and, written last, a manifest
 * with the digest of every file. A folder without a manifest that fits all its files is no prepared
 * component: it is thrown away and made again.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Digest } from '@wafer/protocol';
import { z } from 'zod';
import type { CoreModule } from './limits.ts';

export const MANIFEST = 'manifest.json';

const FileName = z.string().regex(/^[a-z0-9.]+$/);

export const Manifest = z.strictObject({
  format: z.literal(1),
  /** Of the component. */
  digest: z.string(),
  script: FileName,
  /** Names of the component's exports, both short and full. */
  exports: z.array(z.string()),
  modules: z.array(z.strictObject({ name: FileName, instances: z.number().int().min(0) })),
  /** File → SHA-256. */
  files: z.record(FileName, Digest),
});
export type Manifest = Omit<z.infer<typeof Manifest>, 'files'> & { readonly files: Record<string, string> };

/** A prepared component, read and checked. */
export interface Contents {
  readonly exports: readonly string[];
  /** Body of a function that answers `instantiate`. */
  readonly script: string;
  readonly modules: readonly CoreModule[];
}

/** The folder does not hold what it must. */
export class DamagedFolder extends Error {
  override readonly name = 'DamagedFolder';
}

/** Writes a new file and flushes it. Throws what the file system throws. */
export function writeDurably(folder: string, name: string, bytes: Uint8Array): void {
  const file = openSync(join(folder, name), 'wx', 0o600);
  try {
    writeFileSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Flushes a folder's entries, so that a rename in it survives a power cut. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function readManifest(folder: string): Manifest {
  let text: string;
  try {
    text = readFileSync(join(folder, MANIFEST), 'utf8');
  } catch (error) {
    throw new DamagedFolder('it has no manifest', { cause: error });
  }
  try {
    return Manifest.parse(JSON.parse(text));
  } catch (error) {
    throw new DamagedFolder('its manifest is not well-formed', { cause: error });
  }
}

/** Reads everything once and answers the very bytes that were checked. Throws `DamagedFolder`. */
export function readContents(folder: string, digest: Digest): Contents {
  const manifest = readManifest(folder);
  if (manifest.digest !== digest) throw new DamagedFolder('it was made of another component');
  const read = (name: string): Buffer => {
    let bytes: Buffer;
    try {
      bytes = readFileSync(join(folder, name));
    } catch (error) {
      throw new DamagedFolder(`${name} cannot be read`, { cause: error });
    }
    const found = createHash('sha256').update(bytes).digest('hex');
    const expected = Object.hasOwn(manifest.files, name) ? manifest.files[name] : undefined;
    if (found !== expected) throw new DamagedFolder(`${name} is not what was made`);
    return bytes;
  };
  return {
    exports: manifest.exports,
    script: read(manifest.script).toString('utf8'),
    modules: manifest.modules.map(({ name, instances }) => ({ name, instances, bytes: read(name) })),
  };
}
