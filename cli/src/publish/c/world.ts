/**
 * A component of a core module and the world that it was written for. That may name every package there
 * is WIT for: the project's own, those in the project's folder, and WASI.
 */
import { WaferError } from '@wafer/protocol';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { protocolWit, wasiWit } from '../packages.ts';

/** Throws component.unsupported with what is wrong with the WIT, or with the module in its light. */
export async function componentOf(core: Uint8Array, wit: string): Promise<Uint8Array> {
  const own = await readFile(wit, 'utf8');
  const given = await packagesThatAreGiven();
  const witSource = [own, ...[...given].map(([name, body]) => `package ${name} {${body}}`)].join('\n');
  const { componentEmbed, componentNew } = await import('@bytecodealliance/jco-transpile/wasm-tools');
  const refused = (error: unknown): WaferError => {
    const words = (error instanceof Error ? error.message : String(error)).trim();
    // The tool knows only the package that the file begins with.
    const reason = words.replace(/known packages:[^]*/, `There are ${[...given.keys()].join(', ')}`);
    return new WaferError('component.unsupported', `${basename(wit)}: ${reason}`, { cause: error });
  };
  const embedded = await componentEmbed({ binary: core, witSource }).catch((error: unknown) => {
    throw refused(error);
  });
  return componentNew(embedded).catch((error: unknown) => {
    throw refused(error);
  });
}

/** Name with version → what is in all files of the package, in the order of their names. */
async function packagesThatAreGiven(): Promise<Map<string, string>> {
  const packages = new Map<string, string>();
  for (const folder of [protocolWit(), wasiWit()]) {
    const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.wit'));
    for (const file of files.toSorted()) {
      const text = (await readFile(join(folder, file), 'utf8')).replaceAll(/^\s*\/\/.*\n/gm, '');
      const [line = '', name = ''] = /^package (\S+);/m.exec(text) ?? [];
      packages.set(name, (packages.get(name) ?? '') + text.replace(line, ''));
    }
  }
  return packages;
}
