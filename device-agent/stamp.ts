/**
 * Writes src/release.ts: which release this agent is, and its day, before which no board that runs it can be.
 * `npm version` runs it, so the day moves with the version.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import packageJson from './package.json' with { type: 'json' };

const FILE = join(import.meta.dirname, 'src/release.ts');

/** The module's text; `at` in ms since 1970. */
export const releaseModule = (version: string, at: number): string =>
  `/** Written by stamp.ts at \`npm version\`. */
export const RELEASE = { version: '${version}', day: '${new Date(at).toISOString().slice(0, 10)}' } as const;
`;

if (import.meta.main) writeFileSync(FILE, releaseModule(packageJson.version, Date.now()));
