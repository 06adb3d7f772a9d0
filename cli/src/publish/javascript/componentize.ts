/**
 * A component from a JavaScript module, with QuickJS inside. The same sources give the same bytes,
 * on any machine and at any time: the engine that runs them while building sees a frozen clock and a
 * fixed seed (see frozen-runtime.ts), so a rebuild is the same release and not a new one.
 *
 * `Math.random()` therefore yields the same sequence in every instance; what must be unpredictable
 * asks wasi:random, and for the grant.
 */
import { WaferError } from '@wafer/protocol';
import { cp, mkdtemp, readFile, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { protocolWit, wasiWit } from '../packages.ts';
import { disguiseModules, disguiseWit, needsDisguise, undisguise } from './disguise.ts';
import { ENTRY_NAME, entrySource } from './entry.ts';
import { guestWorld, GUEST_WORLD } from './guest-world.ts';
import { interfacesBeneath, refuseUnknown } from './interfaces.ts';
import { readModules, type GuestModules } from './modules.ts';

export const RUNTIME_FILE = new URL('../../../runtime/quickjs.wasm', import.meta.url);

/** Which of its steps failed: the reason follows. */
const ENGINE_STEPS = /^[:\s]*(?:Failed to [^:\n]*: )+(?:Error: )?/;
/** What the runtime and the project's WIT need of WASI. */
const WASI_PACKAGES = ['cli', 'clocks', 'filesystem', 'http', 'io', 'random', 'sockets'];

/** `entry` is an absolute path. Throws component.unsupported with the engine's own message. */
export async function componentizeJavaScript(entry: string): Promise<Uint8Array> {
  const written = await readModules(entry);
  const isDisguised = needsDisguise(written);
  const modules = isDisguised ? disguiseModules(written) : written;
  const world = guestWorld([...modules.witImports.keys()], modules.exports, entry);
  const folder = await mkdtemp(join(tmpdir(), 'wafer-build-'));
  const witPath = join(folder, 'wit');
  try {
    await assembleWit(witPath, world, isDisguised);
    refuseUnknown(written.witImports, await interfacesBeneath(join(witPath, 'deps')));
    const { componentize } = await import('componentize-qjs');
    const { component } = await componentize({
      witPath,
      world: GUEST_WORLD,
      ...(await stage(join(folder, 'source'), modules, entry)),
      runtimeBytes: await readFile(RUNTIME_FILE),
    });
    return isDisguised ? undisguise(component) : component;
  } catch (error) {
    if (error instanceof WaferError) throw error;
    const reason = (error instanceof Error ? error.message : String(error))
      .replaceAll(`${witPath}/`, '')
      .replace(ENGINE_STEPS, '');
    throw new WaferError(
      'component.unsupported',
      `${entry} could not be made a component: ${reason.trim()}`,
      {
        cause: error,
      },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The files that were read, laid out as they were, with our entry beside the guest's own: what is built is
 * what was read, and no folder of the person's is written to.
 */
async function stage(moduleRoot: string, { sources, root, exports }: GuestModules, entry: string) {
  for (const [file, text] of sources) {
    const copy = join(moduleRoot, relative(root, file));
    await mkdir(dirname(copy), { recursive: true });
    await writeFile(copy, text);
  }
  const jsSource = entrySource(entry, exports);
  const jsPath = join(moduleRoot, relative(root, dirname(entry)), ENTRY_NAME);
  await writeFile(jsPath, jsSource);
  return { jsSource, jsPath, moduleRoot };
}

/** The guest's world, with everything that it may refer to under deps/. */
async function assembleWit(folder: string, world: string, isDisguised: boolean): Promise<void> {
  await cp(join(protocolWit(), 'deps'), join(folder, 'deps'), { recursive: true });
  await mkdir(join(folder, 'deps/wafer-app'), { recursive: true });
  await cp(join(protocolWit(), 'reactor.wit'), join(folder, 'deps/wafer-app/reactor.wit'));
  for (const name of WASI_PACKAGES) {
    const from = join(wasiWit(), `wasi-${name}`);
    await cp(from, join(folder, 'deps', `wasi-${name}`), { recursive: true });
    if (isDisguised) await disguiseWit(from, join(folder, 'deps'));
  }
  await writeFile(join(folder, 'guest.wit'), world);
}
