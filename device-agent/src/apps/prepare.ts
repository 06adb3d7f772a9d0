/**
 * Makes components runnable: a child process transpiles into a temporary folder, which is renamed into
 * place once it is whole and on disk. Whenever the power goes, there is a complete folder or none;
 * temporary folders whose process is gone are swept away.
 *
 * One child at a time: the transpiler takes hundreds of megabytes, and boards have few.
 */
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { FaultError, Minutes, type Digest, type Limits, type Milliseconds } from '@wafer/protocol';
import { MalformedModule } from '@wafer/protocol/wasm/binary';
import { TRANSPILE } from '../programs.ts';
import { transpilerVersion } from '../transpiler.ts';
import { boundModules } from './limits.ts';
import { DamagedFolder, readContents, syncFolder } from './manifest.ts';
import type { Prepared } from './runtime.ts';
import { Transpilers } from './transpilers.ts';

/** Grows whenever what the child makes changes its shape, so that older folders are made again. */
const FORMAT = 3;

/** How a component begins: magic number, version 13, layer 1. The transpiler would take text as well. */
const COMPONENT = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

const MAX_REASON_CHARACTERS = 1500;

export interface PrepareOptions {
  /** Folder that prepared components are kept in. */
  readonly folder: string;
  /** Longest that the child may take. */
  readonly timeLimit?: Milliseconds;
  /** The child's program. */
  readonly script?: string;
  /** Most that the transpiler's own memory may grow to, MiB. */
  readonly memoryMiB?: number | undefined;
  /** Keeps a child ready for the next component. */
  readonly hasSpare?: boolean;
}

export interface Prepare {
  (digest: Digest, bytes: Uint8Array, limits: Limits): Promise<Prepared>;
  /** Ends the child that works, as for want of memory; answers whether one did. */
  end(): boolean;
  /** Ends the child that is kept ready. */
  close(): void;
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Removes what a process that died in the middle left behind. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const owner = /^tmp-(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) {
      rmSync(join(folder, name), { recursive: true, force: true });
    }
  }
}

interface Child {
  readonly start: () => ChildProcess;
  readonly bytes: Uint8Array;
  /** Where it writes. */
  readonly folder: string;
  readonly timeLimit: Milliseconds;
}

const outOfMemory = (): FaultError =>
  new FaultError(
    'memory-limit',
    'The board ran out of memory while the component was made runnable, and the transpiler was ended.',
    'board memory',
  );

/** Resolves when the child has done its work; rejects with a `prepare` fault, or `memory-limit` when the board had no memory. */
function runChild({ start, bytes, timeLimit }: Child): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = start();
    const { stdin, stderr } = child;
    if (stdin === null || stderr === null) throw new Error('the transpiler was started without pipes');
    let reason = '';
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, timeLimit);
    stderr.setEncoding('utf8').on('data', (text: string) => {
      if (reason.length < MAX_REASON_CHARACTERS) reason += text;
    });
    // A child that dies early closes the pipe; its exit says why.
    stdin.on('error', () => undefined);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new FaultError('prepare', `The transpiler could not be started: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve();
      // But for being late it is ended so for want of memory, by the kernel or by `end`.
      if (signal === 'SIGKILL' && !isLate) return reject(outOfMemory());
      const said = reason.trim().slice(0, MAX_REASON_CHARACTERS);
      const what = isLate
        ? `The transpiler did not finish within ${timeLimit} ms and was ended.`
        : `The component can not be made runnable (${signal ?? `exit code ${code}`}): ${said || 'no reason given'}`;
      reject(new FaultError('prepare', what));
    });
    stdin.end(bytes);
  });
}

const errorCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** Turns whatever went wrong into the fault that it is. */
function asFault(error: unknown): unknown {
  if (error instanceof FaultError) return error;
  if (error instanceof MalformedModule || error instanceof DamagedFolder) {
    return new FaultError('prepare', `The component can not be run: ${error.message}.`, undefined, {
      cause: error,
    });
  }
  const code = errorCode(error);
  if (code === undefined) return error;
  return new FaultError('disk', `The prepared component could not be stored (${code}).`, code, {
    cause: error,
  });
}

/** Makes one component, if it is not there whole already; answers the child's time, ms. */
async function make(target: string, child: Child, digest: Digest): Promise<number> {
  if (existsSync(target)) {
    try {
      readContents(target, digest);
      return 0;
    } catch (error) {
      if (!(error instanceof DamagedFolder)) throw error;
      rmSync(target, { recursive: true, force: true });
    }
  }
  const started = performance.now();
  mkdirSync(child.folder, { mode: 0o700 });
  try {
    await runChild(child);
    readContents(child.folder, digest);
    syncFolder(child.folder);
    renameSync(child.folder, target);
  } finally {
    rmSync(child.folder, { recursive: true, force: true });
  }
  return performance.now() - started;
}

/**
 * `prepare` of the runtime: rejects with a `digest` fault when the bytes are not those named, with
 * `prepare` or `memory-limit` when the component can not run, with `disk` when it can not be stored.
 */
export function createPrepare(options: PrepareOptions): Prepare {
  const { folder, timeLimit = Minutes(5), memoryMiB = 512 } = options;
  const script = options.script ?? fileURLToPath(TRANSPILE);
  const version = `${transpilerVersion()}-${FORMAT}`;
  const transpilers = new Transpilers({ folder, script, memoryMiB });
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  let working: ChildProcess | undefined;
  const start = (): ChildProcess => {
    const child = transpilers.start();
    working = child;
    child.once('exit', () => (working = undefined));
    return child;
  };

  const prepare = async (digest: Digest, bytes: Uint8Array, limits: Limits): Promise<Prepared> => {
    try {
      if (createHash('sha256').update(bytes).digest('hex') !== digest) {
        throw new FaultError('digest', `The bytes are not those of ${digest}.`, digest);
      }
      if (!COMPONENT.every((byte, index) => bytes[index] === byte)) {
        throw new FaultError('prepare', 'The bytes are no WebAssembly component.');
      }
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      sweep(folder);
      const target = join(folder, `${digest}-${version}`);
      const child = { start, bytes, folder: transpilers.folder, timeLimit };
      const prepareMs = await make(target, child, digest);
      if (options.hasSpare === true && !isClosed) transpilers.practise(bytes);
      syncFolder(folder);
      boundModules(readContents(target, digest).modules, limits.memoryMiB);
      return { digest, folder: target, prepareMs };
    } catch (error) {
      throw asFault(error);
    }
  };

  const inTurn = (digest: Digest, bytes: Uint8Array, limits: Limits): Promise<Prepared> => {
    const turn = last.then(() => prepare(digest, bytes, limits));
    last = turn.catch(() => undefined);
    return turn;
  };
  const close = (): void => {
    isClosed = true;
    transpilers.close();
  };
  const end = (): boolean => working?.kill('SIGKILL') === true;
  return Object.assign(inTurn, { end, close });
}
