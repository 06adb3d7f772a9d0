/**
 * Where koffi's compiled part lies, which calls C functions by their address: in a packaged agent beside its
 * files, else in node_modules. Only that part is loaded (3 MB); koffi's own JavaScript would look for it in
 * places that a packaged agent does not have.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** `process.arch` → the folder within the package @koromix/koffi-linux-<arch>. */
export const NATIVE_BUILDS: Readonly<Record<string, string>> = {
  x64: 'linux_x64',
  arm64: 'linux_arm64',
  arm: 'linux_armhf',
  riscv64: 'linux_riscv64d',
};

const require = createRequire(import.meta.url);

/** Beside this file in a packaged agent, as device-agent/package/ lays it out. */
const packaged = (arch: string): URL => new URL(`./native/linux-${arch}/koffi.node`, import.meta.url);

function locate(arch: string): string {
  const build = NATIVE_BUILDS[arch];
  if (process.platform !== 'linux' || build === undefined) {
    throw new Error(
      `pins and buses are for Linux on ${Object.keys(NATIVE_BUILDS).join(', ')}, not ${process.platform} on ${arch}`,
    );
  }
  const beside = packaged(arch);
  if (existsSync(beside)) return beside.pathname;
  const name = `@koromix/koffi-linux-${arch}/${build}/koffi.node`;
  try {
    return require.resolve(name);
  } catch (error) {
    throw new Error(`neither ${beside.pathname} nor ${name} is there: the agent was installed without it`, {
      cause: error,
    });
  }
}

/** Throws with the file that is missing, or with what the dynamic linker said of it. */
export const loadKoffi = (): typeof Koffi => require(locate(process.arch)) as typeof Koffi;
