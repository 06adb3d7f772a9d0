/**
 * Loaded before an agent's own program (`node --import`): it is there at every write that the agent makes
 * in its folder, before it is made. There it copies the folder as it lies, which is what a kill at that
 * instant would leave, or ends the process as `kill -9` does. With EVERY_CALL it is there at everything else
 * that is asked of the file system too, and in the middle of what writes bytes, when half of them are written.
 *
 * Environment: WRITES_IN the folder; COPIES_TO a folder for one copy a write, or KILL_AT the number of the
 * write (with EVERY_CALL: of the call) at which to die.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

const folder = process.env['WRITES_IN'] ?? '';
const copies = process.env['COPIES_TO'];
const killAt = Number(process.env['KILL_AT'] ?? 0);
const isEveryCall = process.env['EVERY_CALL'] !== undefined;

let writes = 0;
let isCopying = false;

function reached(): void {
  if (isCopying) return;
  writes += 1;
  if (writes === killAt) die();
  if (copies === undefined) return;
  isCopying = true;
  fs.cpSync(folder, join(copies, String(writes).padStart(4, '0')), { recursive: true });
  isCopying = false;
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

type Call = (...given: unknown[]) => unknown;

function watch(on: object, name: string, isWrite: (...given: unknown[]) => boolean): void {
  const methods = on as Record<string, Call>;
  const original = methods[name];
  if (original === undefined) throw new Error(`there is no ${name} to watch`);
  methods[name] = function watched(this: unknown, ...given: unknown[]): unknown {
    if (isWrite(...given)) reached();
    return Reflect.apply(original, this, given);
  };
}

const WRITING = new Set(['w', 'wx', 'w+', 'a', 'ax', 'a+', 'r+']);
const isInside = (path: unknown): boolean => String(path).startsWith(folder);
const opensToWrite = (path: unknown, flags: unknown): boolean =>
  isInside(path) && (typeof flags === 'number' ? (flags & 0o103) !== 0 : WRITING.has(flags as string));
const always = (): boolean => true;

const PATHS = ['writeFile', 'appendFile', 'rename', 'rm', 'mkdir', 'unlink', 'truncate'];
for (const name of PATHS) {
  watch(fs, `${name}Sync`, isInside);
  watch(fs.promises, name, isInside);
}
watch(fs, 'openSync', opensToWrite);
watch(fs.promises, 'open', opensToWrite);
for (const name of ['writeSync', 'ftruncateSync']) watch(fs, name, always);

/** Writes half of it, and is not there for the rest. */
function watchInside(on: object, name: string): void {
  const methods = on as Record<string, (bytes: string | Uint8Array) => Promise<unknown>>;
  const original = methods[name]!;
  methods[name] = function halfway(this: unknown, bytes, ...rest) {
    writes += 1;
    if (writes !== killAt) return Reflect.apply(original, this, [bytes, ...rest]);
    const half = bytes.slice(0, Math.floor(bytes.length / 2));
    return Reflect.apply(original, this, [half]).finally(die);
  };
}

const handle = await fs.promises.open(import.meta.filename);
const handles = Object.getPrototypeOf(handle) as object;
if (isEveryCall) watchInside(handles, 'writeFile');
for (const name of ['write', 'writev', 'writeFile', 'appendFile', 'truncate']) watch(handles, name, always);
if (isEveryCall) {
  for (const name of ['readFile', 'readdir', 'stat', 'lstat', 'access']) watch(fs.promises, name, isInside);
  for (const name of ['read', 'readFile', 'stat', 'sync', 'datasync']) watch(handles, name, always);
  watch(fs.promises, 'open', (path, flags) => isInside(path) && !opensToWrite(path, flags));
}
await handle.close();
syncBuiltinESMExports();
