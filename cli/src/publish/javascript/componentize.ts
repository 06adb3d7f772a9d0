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
import { join } from 'node:path';
import { jcoFolder, protocolWit } from '../packages.ts';
import { disguiseModules, disguiseWit, needsDisguise, undisguise } from './disguise.ts';
import { guestWorld, GUEST_WORLD } from './guest-world.ts';
import { interfacesBeneath, refuseUnknown } from './interfaces.ts';
import { readModules } from './modules.ts';

export const RUNTIME_FILE = new URL('../../../runtime/quickjs.wasm', import.meta.url);

const WASI_VERSION = '0.2.12';
/** What the runtime and the project's WIT need of WASI. */
const WASI_PACKAGES = ['cli', 'clocks', 'filesystem', 'http', 'io', 'random', 'sockets'];

/** `entry` is an absolute path. Throws component.unsupported with the engine's own message. */
export async function componentizeJavaScript(entry: string): Promise<Uint8Array> {
  const written = await readModules(entry);
  const folder = await mkdtemp(join(tmpdir(), 'wafer-wit-'));
  try {
    const isDisguised = needsDisguise(written);
    const modules = isDisguised ? await disguiseModules(written, join(folder, 'guest')) : written;
    const world = guestWorld([...modules.witImports.keys()], modules.exports, entry);
    const wit = join(folder, 'wit');
    await assembleWit(wit, world, isDisguised);
    refuseUnknown(written.witImports, await interfacesBeneath(join(wit, 'deps')));
    const { componentize } = await import('componentize-qjs');
    const { component } = await componentize({
      witPath: wit,
      world: GUEST_WORLD,
      jsSource: modules.source,
      jsPath: modules.entry,
      moduleRoot: modules.root,
      runtimeBytes: await readFile(RUNTIME_FILE),
    });
    return isDisguised ? undisguise(component) : component;
  } catch (error) {
    if (error instanceof WaferError) throw error;
    const reason = (error instanceof Error ? error.message : String(error)).replaceAll(`${folder}/`, '');
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

/** The guest's world, with everything that it may refer to under deps/. */
async function assembleWit(folder: string, world: string, isDisguised: boolean): Promise<void> {
  await cp(join(protocolWit(), 'deps'), join(folder, 'deps'), { recursive: true });
  await mkdir(join(folder, 'deps/wafer-app'));
  await cp(join(protocolWit(), 'reactor.wit'), join(folder, 'deps/wafer-app/reactor.wit'));
  const builtin = join(jcoFolder(), 'lib/wit/builtin', WASI_VERSION);
  for (const name of WASI_PACKAGES) {
    const from = join(builtin, `wasi-${name}`);
    await cp(from, join(folder, 'deps', `wasi-${name}`), { recursive: true });
    if (isDisguised) await disguiseWit(from, join(folder, 'deps'));
  }
  await writeFile(join(folder, 'guest.wit'), world);
}
