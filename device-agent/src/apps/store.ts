/**
 * Components on disk, by their digest: DIR/blobs/<digest>.wasm, whole, and <digest>.part, under
 * way. Nothing that is read here is believed: `read` hashes, and what it returns are the very bytes
 * that it hashed.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultError, type Digest } from '@wafer/protocol';

/** Components as the rest of the agent sees them. */
export interface Components {
  has(digest: Digest): Promise<boolean>;
  /** The component's bytes; a rotten file is removed and is a `digest` fault. */
  read(digest: Digest): Promise<Buffer>;
  /** Removes every component, whole or not, that is not in `keep`. */
  prune(keep: ReadonlySet<Digest>): Promise<void>;
}

export class BlobStore implements Components {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(dataFolder: string): Promise<BlobStore> {
    const folder = join(dataFolder, 'blobs');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new BlobStore(folder);
  }

  wholePath(digest: Digest): string {
    return join(this.folder, `${digest}.wasm`);
  }

  partPath(digest: Digest): string {
    return join(this.folder, `${digest}.part`);
  }

  async has(digest: Digest): Promise<boolean> {
    return access(this.wholePath(digest)).then(
      () => true,
      () => false,
    );
  }

  async read(digest: Digest): Promise<Buffer> {
    let bytes: Buffer;
    try {
      bytes = await readFile(this.wholePath(digest));
    } catch (error) {
      throw new FaultError('disk', `the component cannot be read: ${(error as Error).message}`, digest);
    }
    if (createHash('sha256').update(bytes).digest('hex') === digest) return bytes;
    await rm(this.wholePath(digest), { force: true });
    throw new FaultError('digest', 'the component on disk is not the one that was signed any more', digest);
  }

  async prune(keep: ReadonlySet<Digest>): Promise<void> {
    for (const name of await readdir(this.folder)) {
      const digest = name.replace(/\.(wasm|part)$/, '');
      if (!keep.has(digest as Digest)) await rm(join(this.folder, name), { force: true });
    }
  }
}
