/**
 * The container peer: `runc run` of a static busybox that says a line and ends. It is the least that a
 * container can be: no image to unpack, no daemon, no runtime of a language inside. Without a static
 * busybox on the machine (Debian: busybox-static) a static binary of a few lines of C takes its place,
 * which is a little faster yet.
 */
import { execFile } from 'node:child_process';
import {
  accessSync,
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PROGRAM = '#include <unistd.h>\nint main(void) { return write(1, "ready\\n", 6) != 6; }\n';
const LIMIT_MS = 30_000;

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'];

export interface Container {
  /** What runs in it. */
  readonly program: 'busybox' | 'a static C program';
  /** Starts one and waits for its end, ms. */
  run(): Promise<number>;
  close(): void;
}

/** Copies a static busybox to `path`; false when there is none. */
async function takeBusybox(path: string): Promise<boolean> {
  for (const candidate of BUSYBOX) {
    try {
      accessSync(candidate, constants.X_OK);
      // An interpreter in its headers means that it is linked dynamically (ELF, PT_INTERP).
      const { stdout } = await run('readelf', ['-lW', candidate]);
      if (/\bINTERP\b/.test(stdout)) continue;
      copyFileSync(candidate, path);
      return true;
    } catch {
      // Not this one.
    }
  }
  return false;
}

async function build(folder: string): Promise<Container['program']> {
  // A busybox of another name would not know what to do.
  const program = join(folder, 'rootfs/busybox');
  mkdirSync(join(folder, 'rootfs'));
  const isBusybox = await takeBusybox(program);
  if (!isBusybox) {
    writeFileSync(join(folder, 'main.c'), PROGRAM);
    await run('cc', ['-static', '-Os', '-o', program, join(folder, 'main.c')]);
  }
  await run('runc', ['spec'], { cwd: folder });
  const path = join(folder, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as { process: { args: string[]; terminal: boolean } };
  const args = isBusybox ? ['/busybox', 'echo', 'ready'] : ['/busybox'];
  config.process = { ...config.process, args, terminal: false };
  writeFileSync(path, JSON.stringify(config));
  return isBusybox ? 'busybox' : 'a static C program';
}

/** Answers why, as text, where containers cannot be had. */
export async function openContainer(): Promise<Container | string> {
  const folder = mkdtempSync(join(tmpdir(), 'wafer-runc-'));
  const close = (): void => rmSync(folder, { recursive: true, force: true });
  let count = 0;
  const start = async (): Promise<number> => {
    count += 1;
    const id = `wafer-bench-${process.pid}-${count}`;
    const started = performance.now();
    const { stdout } = await run('runc', ['run', id], { cwd: folder, timeout: LIMIT_MS });
    if (stdout !== 'ready\n') throw new Error('the container did not say its line');
    return performance.now() - started;
  };
  try {
    const program = await build(folder);
    await start();
    return { program, run: start, close };
  } catch (error) {
    close();
    const { message } = error as Error;
    return message.replaceAll(/\s+/g, ' ').trim().slice(0, 200);
  }
}
