/**
 * Starts the agent in the form that takes the least memory: built into one file (sources cost a type
 * stripper, a module loader and all that they import but never use: some 60 MB), in an engine told to
 * keep its young generation small and an allocator told to give back what is free. Both are decided when
 * a process starts, so this one becomes that one: same process, same id, same standard streams.
 *
 * A packaged agent has its build beside it. From sources it is made when it is missing, of the very sources
 * that lie here, so what runs is always what they say. Where it can not be had (no builder installed, a folder that is read-only, a system without
 * `execve`) the agent runs from its sources, to the same effect.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AGENT, isBuilt } from './programs.ts';

/**
 * Of V8: a small young generation; of two ways the one that takes less memory; code that was not run
 * between two collections goes (it is compiled again from its source); no second copy of the engine's
 * own code.
 */
const FLAGS = [
  '--max-semi-space-size=1',
  '--optimize-for-size',
  '--bytecode-old-age=1',
  '--no-short-builtin-calls',
];

/** Of glibc's allocator: one arena for all threads, and what is free goes back. Others ignore it. */
const ALLOCATOR = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '65536',
  MALLOC_MMAP_THRESHOLD_: '65536',
};

/** The built agent's file; undefined where it can not be had. */
async function built(): Promise<string | undefined> {
  if (isBuilt) return fileURLToPath(AGENT);
  try {
    const { build } = await import('../build.ts');
    return join(await build(), 'agent.cjs');
  } catch {
    return undefined;
  }
}

/** Goes on as the built agent on this folder, and does not return; or returns, and nothing has changed. */
export async function launch(folder: string): Promise<void> {
  if (process.execve === undefined || process.platform === 'win32') return;
  const program = await built();
  if (program === undefined) return;
  // Node says of `execve` that it is experimental, on the standard error that is the agent's log.
  process.emitWarning = () => undefined;
  const args = [process.execPath, ...process.execArgv, ...FLAGS, program, folder];
  process.execve(process.execPath, args, { ...ALLOCATOR, ...process.env });
}
