/** A board as far as trust goes: tuf-js on what the server serves, from the root that it was enrolled with. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BaseFetcher, Updater } from 'tuf-js';
import { DownloadHTTPError } from 'tuf-js/dist/error.js';
import type { Person } from './person.ts';

/** Files by name, as a TUF repository serves them. */
class Files extends BaseFetcher {
  readonly #files: Map<string, Buffer>;
  constructor(files: Map<string, Buffer>) {
    super();
    this.#files = files;
  }
  override fetch(url: string): ReturnType<BaseFetcher['fetch']> {
    const name = new URL(url).pathname.split('/').at(-1) ?? '';
    const bytes = this.#files.get(/^[0-9a-f]{64}\./.test(name) ? name.slice(0, 64) : name);
    if (bytes === undefined) return Promise.reject(new DownloadHTTPError(`no ${name}`, 404));
    return Promise.resolve(new Blob([new Uint8Array(bytes)]).stream());
  }
}

/** Refreshed; rejects when what is served does not verify. It trusts the root that the publisher founded. */
export async function board(person: Person): Promise<Updater> {
  const folder = join(person.folder, `board-${Math.random()}`);
  await mkdir(join(folder, 'targets'), { recursive: true });
  await writeFile(join(folder, 'root.json'), JSON.stringify(person.server.roles.get('root')?.[0]));
  const updater = new Updater({
    metadataDir: folder,
    metadataBaseUrl: 'http://tuf.invalid/metadata',
    targetDir: join(folder, 'targets'),
    targetBaseUrl: 'http://tuf.invalid/targets',
    fetcher: new Files(person.server.tufFiles()),
    config: { prefixTargetsWithHash: true },
  });
  await updater.refresh();
  return updater;
}
