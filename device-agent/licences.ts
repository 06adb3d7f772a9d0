/** The licences of what is built into the agent, which they ask to be passed on with it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The innermost package that a file belongs to. */
const PACKAGE = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
const TEXT = /^(licen[cs]e|copying|notice)/i;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

async function texts(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => TEXT.test(name)).toSorted();
  return Promise.all(names.map(async (name) => (await readFile(join(folder, name), 'utf8')).trim()));
}

/** Of the packages that these files come from, by their names, each with its version and all that it says. */
export async function licencesOf(files: Iterable<string>): Promise<string> {
  const folders = new Set([...files].flatMap((path) => PACKAGE.exec(path.replaceAll('\\', '/'))?.[0] ?? []));
  const parts = [...folders].map(async (folder) => {
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
    const { name, version, license = 'no licence named' } = manifest;
    return [`${name} ${version} (${license})`, ...(await texts(folder))].join('\n\n');
  });
  const sorted = (await Promise.all(parts)).toSorted();
  return `${[...new Set(sorted)].join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
