/**
 * The container peer: `runc run` of one static binary that says a line and ends. It is the least that a
 * container can be: no image to unpack, no daemon, no runtime of a language inside.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PROGRAM = '#include <unistd.h>\nint main(void) { return write(1, "ready\\n", 6) != 6; }\n';
const LIMIT_MS = 30_000;

export interface Container {
  /** Starts one and waits for its end, ms. */
  run(): Promise<number>;
  close(): void;
}

async function build(folder: string): Promise<void> {
  mkdirSync(join(folder, 'rootfs'));
  writeFileSync(join(folder, 'main.c'), PROGRAM);
  await run('cc', ['-static', '-Os', '-o', join(folder, 'rootfs/main'), join(folder, 'main.c')]);
  await run('runc', ['spec'], { cwd: folder });
  const path = join(folder, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as { process: { args: string[]; terminal: boolean } };
  config.process = { ...config.process, args: ['/main'], terminal: false };
  writeFileSync(path, JSON.stringify(config));
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
    await build(folder);
    await start();
    return { run: start, close };
  } catch (error) {
    close();
    const { message } = error as Error;
    return message.replaceAll(/\s+/g, ' ').trim().slice(0, 200);
  }
}
