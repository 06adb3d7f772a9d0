/**
 * The processes that `wafer up` starts. Each is watched from its start to its end: what it says on
 * its way up becomes progress, what it says when it fails becomes the one line that a person reads,
 * and none outlives the command.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** How long a process may take to end by itself before it is killed, ms. */
const STOP_WITHIN_MS = 10_000;

export class StartError extends Error {
  override readonly name = 'StartError';
}

export interface Started {
  readonly name: string;
  readonly child: ChildProcess;
  /** The JSON line with `"ready":true`; empty until it came. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Resolves with the exit code when it ends. */
  readonly ended: Promise<number>;
}

export interface StartOptions {
  readonly name: string;
  /** Path of the TypeScript entry and its arguments. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** stderr goes here, whole. */
  readonly logFile: string;
  readonly onProgress?: (text: string) => void;
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Resolves once the process says that it is ready; rejects with its own last words if it ends
 * first. `onSpawned` gets it at once, so that it can be stopped on its way up.
 */
export async function start(options: StartOptions, onSpawned: (process: Started) => void): Promise<Started> {
  const child = spawn(process.execPath, [...options.args], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : 1));
  onSpawned({ name: options.name, child, ready: {}, ended });
  const log = createWriteStream(options.logFile, { flags: 'a', mode: 0o600 });
  let lastWords = '';
  const errors = createInterface({ input: child.stderr });
  errors.on('line', (line) => {
    log.write(`${line}\n`);
    if (parseLine(line) === undefined && line.trim() !== '') lastWords = line.trim();
  });
  const errorsRead = once(errors, 'close');

  const ready = new Promise<Record<string, unknown>>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const value = parseLine(line);
      if (value?.['ready'] === true) resolve(value);
      else if (typeof value?.['progress'] === 'string') options.onProgress?.(value['progress']);
    });
  });
  const first = await Promise.race([ready, ended]);
  if (typeof first === 'number') {
    await errorsRead;
    throw new StartError(lastWords || `${options.name} ended with code ${first}; see ${options.logFile}`);
  }
  return { name: options.name, child, ready: first, ended };
}

/** SIGTERM, then SIGKILL if it does not go. */
export async function stop({ child, ended }: Started): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await ended;
  clearTimeout(timer);
}

/** Runs one command to its end and gives back its stdout; rejects with its own error line. */
export async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const child = spawn(process.execPath, [...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new StartError(stderr.trim().split('\n').at(-1) || stdout.trim());
  return stdout;
}
