/**
 * What agent and starter say to each other: links and notes in DATA/agent, each made anew beside its place
 * and renamed, so that a power cut leaves the one before or the new one. What they mean is at the head of
 * the starter (package/files/wafer-agent).
 */
import { mkdir, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Digest } from '@wafer/protocol';
import { syncFolder } from '../state/durable.ts';

type Link = 'current' | 'next';

/** Why the starter gave a release up. */
export interface GivenUp {
  readonly digest: Digest;
  /** `silent`, `ended with <exit code>`, or a sentence about it. */
  readonly why: string;
}

export class Links {
  readonly folder: string;
  readonly versions: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.versions = join(folder, 'versions');
  }

  /** For reading alone. */
  static at(dataFolder: string): Links {
    return new Links(join(dataFolder, 'agent'));
  }

  static async open(dataFolder: string): Promise<Links> {
    const links = Links.at(dataFolder);
    await mkdir(links.versions, { recursive: true, mode: 0o700 });
    return links;
  }

  /** Undefined where there is no such link. */
  async read(link: Link): Promise<Digest | undefined> {
    const path = await readlink(join(this.folder, link)).catch(() => '');
    return Digest.safeParse(basename(path)).data;
  }

  /** From the next start on this release is on trial. */
  async try(digest: Digest): Promise<void> {
    for (const note of ['starts', 'silent', 'failed']) await rm(join(this.folder, note), { force: true });
    await this.#link('next', digest);
  }

  /** From the next start on this release runs. */
  async become(digest: Digest): Promise<void> {
    await rm(join(this.folder, 'next'), { force: true });
    await this.#link('current', digest);
  }

  /** The release on trial is kept. */
  async keep(): Promise<void> {
    await rename(join(this.folder, 'next'), join(this.folder, 'current'));
    await rm(join(this.folder, 'starts'), { force: true });
    await syncFolder(this.folder);
  }

  /** From the next start on the package's own agent runs. */
  async leave(): Promise<void> {
    for (const link of ['next', 'current']) await rm(join(this.folder, link), { force: true });
    await syncFolder(this.folder);
  }

  async #link(link: Link, digest: Digest): Promise<void> {
    const fresh = join(this.folder, `${link}.new`);
    await rm(fresh, { force: true });
    await symlink(join('versions', digest), fresh);
    await rename(fresh, join(this.folder, link));
    await syncFolder(this.folder);
  }

  async givenUp(): Promise<GivenUp | undefined> {
    const text = await readFile(join(this.folder, 'failed'), 'utf8').catch(() => '');
    const [name = '', ...why] = text.trim().split(' ');
    const digest = Digest.safeParse(name).data;
    return digest === undefined ? undefined : { digest, why: why.join(' ') };
  }

  forgive(): Promise<void> {
    return rm(join(this.folder, 'failed'), { force: true });
  }

  /** Removes every version that neither a link nor `keep` names. */
  async prune(keep: readonly Digest[]): Promise<void> {
    const linked = await Promise.all([this.read('current'), this.read('next')]);
    const kept = new Set<string | undefined>([...keep, ...linked]);
    for (const name of await readdir(this.versions)) {
      if (!kept.has(name)) await rm(join(this.versions, name), { recursive: true, force: true });
    }
  }
}
