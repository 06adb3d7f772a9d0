/** Which transpiler this agent has; what it made is kept under its version. */
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { z } from 'zod';

/** Written into a build, which has no package to ask. */
declare const TRANSPILER_VERSION: string;

/** SemVer. */
export function transpilerVersion(): string {
  if (typeof TRANSPILER_VERSION === 'string') return TRANSPILER_VERSION;
  const path = findPackageJSON('@bytecodealliance/jco-transpile', import.meta.url);
  if (path === undefined) throw new Error('the transpiler is not installed');
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(path, 'utf8'))).version;
}
