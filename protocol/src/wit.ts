/**
 * What a component imports and exports, read from its own WIT as wasm-tools prints it. Publisher,
 * server and tests read it with the same eyes, so that none of them believes another's list.
 */
import type { World } from './release.ts';

export interface ComponentWorld {
  /** As the component spells them, versions included; sorted, each once. */
  readonly imports: string[];
  readonly exports: string[];
}

/** An item of the world block: `import wasi:io/poll@0.2.0;`, `export run: func();`. */
const ITEM = /^ {2}(import|export) %?(\S+?)(;|: .*)$/gm;

/** Undefined when the text has no world, which wasm-tools never prints for a component. */
export function readWorld(wit: string): ComponentWorld | undefined {
  const block = /^world \S+ \{$([^]*?)^\}$/m.exec(wit)?.[1];
  if (block === undefined) return undefined;
  const items = [...block.matchAll(ITEM)];
  const named = (kind: string): string[] =>
    [...new Set(items.filter(([, found]) => found === kind).map(([, , name]) => name as string))].toSorted();
  return { imports: named('import'), exports: named('export') };
}

/** The world that drives a component with these exports; undefined when none does. */
export function worldOf(exports: readonly string[]): World | undefined {
  if (exports.includes('wafer:app/lifecycle@0.1.0')) return 'reactor';
  return exports.some((name) => /^wasi:cli\/run@0\.2\.\d+$/.test(name)) ? 'command' : undefined;
}
