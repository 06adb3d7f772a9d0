/**
 * Makes runtime/quickjs.wasm, the engine inside every JavaScript guest.
 *
 * componentize-qjs runs the guest's top level while it builds, and keeps the memory that results.
 * With the real clock and real randomness in it, no two builds are alike. So this takes the package's
 * own runtime (the small one without the async ABI, recognised by its digest inside the native
 * binding) and, with Binaryen, cuts two strings:
 *
 * - the seed of hash tables is a constant, and its import is gone;
 * - both clocks read zero until `init` has returned, and are the real ones from then on.
 *
 * Run `node cli/src/publish/javascript/frozen-runtime.ts` after changing the package's version, with
 * the digest that it then names. A test compares its result with the file that is checked in.
 */
import binaryen from 'binaryen';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { RUNTIME_FILE } from './componentize.ts';

/** SHA-256 of the untouched runtime in componentize-qjs 0.4.5. */
const RUNTIME_SHA256 = '51bced91769e0a3cb8bc288d230675b03fca8f97b42723b9f9f1702e6903b6f7';
const WASM_HEADER = Buffer.from('0061736d01000000', 'hex');
/** The last section of the runtime, which is how its end is found. */
const LAST_SECTION = 'target_features';

/** Bytes of the runtime as the package ships it; throws when it is not there. */
export function shippedRuntime(): Buffer {
  const binding = readFileSync(bindingFile());
  for (let at = binding.indexOf(WASM_HEADER); at >= 0; at = binding.indexOf(WASM_HEADER, at + 1)) {
    const end = endOfModule(binding, at + WASM_HEADER.length);
    const module = end === undefined ? undefined : binding.subarray(at, end);
    if (module && createHash('sha256').update(module).digest('hex') === RUNTIME_SHA256) return module;
  }
  throw new Error(`componentize-qjs holds no runtime with the SHA-256 ${RUNTIME_SHA256}`);
}

/** The native binding of this machine: a package whose name carries the platform. */
function bindingFile(): string {
  const packageJson = createRequire(import.meta.url).resolve('componentize-qjs/package.json');
  const scope = join(dirname(packageJson), '../@andreiltd');
  for (const name of readdirSync(scope).filter((each) => each.startsWith('componentize-qjs-binding-'))) {
    const file = readdirSync(join(scope, name)).find((each) => each.endsWith('.node'));
    if (file !== undefined) return join(scope, name, file);
  }
  throw new Error('componentize-qjs has no native binding for this machine');
}

/** Walks the sections (core specification, clause 5.5.2) up to and including LAST_SECTION. */
function endOfModule(bytes: Buffer, start: number): number | undefined {
  for (let at = start; at < bytes.length;) {
    const id = bytes[at] ?? 0xff;
    const [size, body] = readLeb(bytes, at + 1);
    if (id > 13 || body + size > bytes.length) return undefined;
    at = body + size;
    if (id !== 0) continue;
    const [nameLength, name] = readLeb(bytes, body);
    if (bytes.toString('latin1', name, name + nameLength) === LAST_SECTION) return at;
  }
  return undefined;
}

/** An unsigned LEB128 of 32 bits, and the offset behind it. */
function readLeb(bytes: Buffer, start: number): [value: number, next: number] {
  let value = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = bytes[start + index] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return [value, start + index + 1];
  }
  return [Number.MAX_SAFE_INTEGER, start];
}

/** The runtime with its seed fixed and its clocks stopped until `init` has returned. */
export function frozenRuntime(shipped: Uint8Array): Uint8Array {
  const module = binaryen.readBinary(shipped);
  module.setFeatures(binaryen.Features.All);
  const LIVE = 'wafer.live';
  module.addGlobal(LIVE, binaryen.i32, true, module.i32.const(0));
  const isLive = () => module.global.get(LIVE, binaryen.i32);
  const pointer = () => module.local.get(0, binaryen.i32);
  const store64 = (offset: number, value: bigint) =>
    module.i64.store(offset, 8, pointer(), module.i64.const(value), MEMORY);

  const seed = importOf(module, 'wasi:random/insecure-seed', 'insecure-seed');
  replaceImport(module, seed, module.block(null, [store64(0, 1n), store64(8, 2n)]));

  const wall = importOf(module, 'wasi:clocks/wall-clock', 'now');
  replaceImport(
    module,
    wall,
    module.if(
      isLive(),
      module.call('wafer.wall', [pointer()], binaryen.none),
      module.block(null, [store64(0, 0n), module.i32.store(8, 4, pointer(), module.i32.const(0), MEMORY)]),
    ),
    'wafer.wall',
  );

  const monotonic = importOf(module, 'wasi:clocks/monotonic-clock', 'now');
  const elapsed = module.call('wafer.monotonic', [], binaryen.i64);
  replaceImport(module, monotonic, module.if(isLive(), elapsed, module.i64.const(0n)), 'wafer.monotonic');

  liveAfterInit(module, LIVE);
  if (!module.validate()) throw new Error('the frozen runtime does not validate');
  return module.emitBinary();
}

/** Binaryen's name for the one memory, which the runtime imports. */
const MEMORY = 'mimport$0';

function importOf(module: binaryen.Module, from: string, name: string): binaryen.FunctionInfo {
  for (let index = 0; index < module.getNumFunctions(); index += 1) {
    const info = binaryen.getFunctionInfo(module.getFunctionByIndex(index));
    if (info.base === name && info.module?.replace(/@.*/, '') === from) return info;
  }
  throw new Error(`the runtime does not import ${from} ${name}`);
}

/** A function in place of an import; the import goes on under `keepAs`, where given. */
function replaceImport(
  module: binaryen.Module,
  { name, module: from, base, params, results }: binaryen.FunctionInfo,
  body: binaryen.ExpressionRef,
  keepAs?: string,
): void {
  module.removeFunction(name);
  if (keepAs !== undefined) module.addFunctionImport(keepAs, from ?? '', base ?? '', params, results);
  module.addFunction(name, params, results, [], body);
}

function liveAfterInit(module: binaryen.Module, live: string): void {
  const { value } = binaryen.getExportInfo(module.getExport('init'));
  const { params, results } = binaryen.getFunctionInfo(module.getFunction(value));
  const args = binaryen.expandType(params).map((type, index) => module.local.get(index, type));
  const kept = args.length;
  module.removeExport('init');
  const body = [
    module.local.set(kept, module.call(value, args, results)),
    module.global.set(live, module.i32.const(1)),
    module.local.get(kept, results),
  ];
  module.addFunction('wafer.init', params, results, [results], module.block(null, body, results));
  module.addFunctionExport('wafer.init', 'init');
}

if (import.meta.main) writeFileSync(RUNTIME_FILE, frozenRuntime(shippedRuntime()));
