/**
 * How a JavaScript guest comes to import wasi:http. componentize-qjs runs a guest's top level while it
 * builds, against real WASI, and makes stand-ins for every other interface, each with resources of its own.
 * The streams and pollables of wasi:http are those of wasi:io, so they would have to be both, and it
 * refuses.
 *
 * Such a guest is therefore built against a WASI of another name, none of which is real, and its imports
 * are given their names back in the component. They get a version of their own too, because the engine
 * imports parts of WASI for itself, and a component imports no name twice. Names and versions are as
 * long as before, so nothing moves.
 */
import { readSections, readComponentSections } from '@wafer/protocol/wasm/binary';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { GuestModules } from './modules.ts';

const SPECIFIER = /(['"])wasi:((?:cli|clocks|filesystem|http|io|random|sockets)\/[a-z-]+@0\.2\.12)\1/g;
const DISGUISED = /wasx:([a-z-]+\/[a-z-]+)@0\.2\.12/g;
const VERSION = '0.2.10';

const CORE_MODULE = 1;
const COMPONENT = 4;
const DATA = 11;

export const needsDisguise = ({ witImports }: GuestModules): boolean =>
  [...witImports.keys()].some((name) => name.startsWith('wasi:http/'));

const disguise = (text: string): string => text.replace(SPECIFIER, '$1wasx:$2$1');

/** The guest with its imports disguised. */
export function disguiseModules(modules: GuestModules): GuestModules {
  const renamed = (name: string): string => disguise(`'${name}'`).slice(1, -1);
  return {
    ...modules,
    sources: new Map([...modules.sources].map(([file, source]) => [file, disguise(source)])),
    witImports: new Map([...modules.witImports].map(([name, file]) => [renamed(name), file])),
  };
}

/** Copies a package of WASI's WIT to `deps`, under the other name. */
export async function disguiseWit(from: string, deps: string): Promise<void> {
  const to = join(deps, basename(from).replace(/^wasi-/, 'wasx-'));
  await mkdir(to);
  for (const file of await readdir(from)) {
    const text = await readFile(join(from, file), 'utf8');
    await writeFile(join(to, file), text.replaceAll('wasi:', 'wasx:'));
  }
}

/** Gives the imports their names back. What lies in a guest's memory is left as it is: it may be hashed there. */
export function undisguise(component: Uint8Array): Uint8Array {
  const named = Buffer.from(component).toString('latin1').replace(DISGUISED, `wasi:$1@${VERSION}`);
  const result = Buffer.from(named, 'latin1');
  for (const data of dataSections(component)) result.set(data, data.byteOffset - component.byteOffset);
  return result;
}

/** Data sections of all core modules, as views of the component. */
function dataSections(component: Uint8Array): Uint8Array[] {
  return [...readComponentSections(component)].flatMap(({ id, body }) => {
    if (id === COMPONENT) return dataSections(body);
    if (id !== CORE_MODULE) return [];
    return [...readSections(body)].filter((section) => section.id === DATA).map((section) => section.body);
  });
}
