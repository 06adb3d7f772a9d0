/**
 * The throwaway child that turns a component into JavaScript and core modules. It runs as a process of
 * its own because the transpiler takes hundreds of megabytes and panics on some components: whatever
 * happens here ends with this process.
 *
 * Component on standard input, the folder as the argument: it exists, and is empty, by the time that the
 * component comes. The files are left there, flushed, the manifest last. Exit code 0, or 1 with the reason
 * on standard error. With `practise` behind the folder it transpiles what comes on descriptor 3 first, for
 * nothing: the engine has compiled the transpiler by then.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { Script } from 'node:vm';
import { $init, generate } from '@bytecodealliance/jco-transpile/component';
import { boundBindings } from './bound-bindings.ts';
import { MANIFEST, writeDurably, type Manifest } from './manifest.ts';
import { trimBindings } from './trim/trim.ts';

const PRACTICE_FD = 3;

/** Interfaces and functions as WIT spells them; these names end up in JavaScript. */
const PLAIN_NAME = /^[a-zA-Z0-9:/@.$_-]+$/;

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/**
 * The transpiler answers an ES module, which a thread could load only from a file and never let go of.
 * As the body of a function it is compiled from the very text that was checked. What it must not reach
 * is shadowed: it needs no global but WebAssembly.
 */
export function asFunctionBody(module: string): string {
  const body = boundBindings(module)
    .replace(/^export function instantiate\(/m, 'function instantiate(')
    .replace(/^export const _util = \{\s*\}\s*$/m, '');
  return `'use strict';\n${body}\nreturn instantiate;\n`;
}

/** How often each core module is instantiated; memory limits count on it. */
export function countInstances(module: string): Map<string, number> {
  const files = new Map<string, string>();
  for (const [, variable, file] of module.matchAll(/const (module\d+) = getCoreModule\('([^']+)'\)/g)) {
    files.set(variable!, file!);
  }
  const counts = new Map([...files.values()].map((file) => [file, 0]));
  for (const [, variable] of module.matchAll(/instantiateCore\((module\d+)\b/g)) {
    const file = files.get(variable!);
    if (file !== undefined) counts.set(file, counts.get(file)! + 1);
  }
  return counts;
}

const OPTIONS = {
  name: 'component',
  instantiation: { tag: 'sync' },
  noTypescript: true,
  noNodejsCompat: true,
  base64Cutoff: 0,
  map: [],
} satisfies Parameters<typeof generate>[1];

function transpile(component: Uint8Array, folder: string): void {
  const { files, imports, exports } = generate(component, OPTIONS);
  for (const name of [...imports, ...exports.map(([exported]) => exported)]) {
    if (!PLAIN_NAME.test(name)) throw new Error(`it imports or exports the name ${JSON.stringify(name)}`);
  }

  const script = files.find(([name]) => name === 'component.js');
  if (script === undefined) throw new Error('the transpiler made no JavaScript');
  const source = new TextDecoder().decode(script[1]);
  const body = trimBindings(asFunctionBody(source));
  void new Script(`(function () {${body}})`);

  const instances = countInstances(source);
  const written = new Map<string, Uint8Array>([['component.js', Buffer.from(body)]]);
  for (const [name, bytes] of files) if (name.endsWith('.wasm')) written.set(name, bytes);
  for (const [name, bytes] of written) writeDurably(folder, name, bytes);

  const manifest: Manifest = {
    format: 1,
    digest: sha256(component),
    script: 'component.js',
    exports: exports.map(([name]) => name),
    modules: [...instances].map(([name, count]) => ({ name, instances: count })),
    files: Object.fromEntries([...written].map(([name, bytes]) => [name, sha256(bytes)])),
  };
  writeDurably(folder, MANIFEST, Buffer.from(JSON.stringify(manifest)));
}

function reason(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'payload' in error) return String(error.payload);
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

if (import.meta.main) {
  try {
    await $init;
    if (process.argv[3] === 'practise') generate(readFileSync(PRACTICE_FD), OPTIONS);
    transpile(await buffer(process.stdin), process.argv[2]!);
  } catch (error) {
    process.stderr.write(`${reason(error)}\n`);
    process.exitCode = 1;
  }
}
