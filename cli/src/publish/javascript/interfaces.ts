/**
 * Which interfaces there is WIT for. The engine's own complaint about one that is missing speaks of a
 * world that the person never wrote; this one names the file and the import in it.
 */
import { interfaceName, WaferError } from '@wafer/protocol';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GuestModules } from './modules.ts';

const PACKAGE = /^package ([a-z0-9-]+:[a-z0-9-]+)(@\S+)?;/m;
const INTERFACE = /^interface %?([a-z0-9-]+) \{/gm;

/** Full names of the interfaces in the .wit files beneath `folder`, versions included. */
export async function interfacesBeneath(folder: string): Promise<Set<string>> {
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.wit'));
  const names = new Set<string>();
  for (const file of files) {
    const text = await readFile(join(folder, file), 'utf8');
    const [, name, version = ''] = PACKAGE.exec(text) ?? [];
    for (const [, own] of text.matchAll(INTERFACE)) names.add(`${name}/${own}${version}`);
  }
  return names;
}

/** Throws component.unsupported for the first import that is none of `given`. */
export function refuseUnknown(imports: GuestModules['witImports'], given: ReadonlySet<string>): void {
  for (const [name, file] of imports) {
    if (given.has(name)) continue;
    const other = [...given].find((each) => interfaceName(each) === interfaceName(name));
    const advice = other === undefined ? 'devices have no such interface' : `write "${other}"`;
    throw new WaferError(
      'component.unsupported',
      `${file} imports "${name}", for which there is no WIT here: ${advice}`,
    );
  }
}
