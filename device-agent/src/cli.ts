/**
 * Commands of the agent's process, and what they exit with: 0 done, 1 failed, 2 wrong usage. What a
 * command needs is loaded by it, so that `run` is soon the process that it launches.
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { launch } from './launch.ts';

const USAGE = `usage:
  enrol TOKEN --server https://HOST:PORT --data DIR
  run --data DIR
  status --data DIR [--json]
  dev [--stores DIR]   (for wafer dev: orders on standard input, events on standard output)
  simulate             (for wafer simulate: likewise)`;

class UsageError extends Error {}

function required(value: string | undefined, name: string): string {
  if (value === undefined || value === '') throw new UsageError(`${name} is missing`);
  return value;
}

export async function main(args: string[]): Promise<void> {
  try {
    await command(args);
  } catch (error) {
    const { tellFailure } = await import('./failure.ts');
    tellFailure(error);
    const isUsage =
      error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
    if (!isUsage) return;
    process.stderr.write(`${USAGE}\n`);
    process.exitCode = 2;
  }
}

async function command(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      server: { type: 'string' },
      data: { type: 'string' },
      json: { type: 'boolean' },
      stores: { type: 'string' },
    },
  });
  const [name, ...rest] = positionals;
  const folder = () => resolve(required(values.data, '--data DIR'));
  switch (name) {
    case 'enrol': {
      const token = required(rest[0], 'TOKEN');
      return enrolCommand(token, required(values.server, '--server URL'), folder());
    }
    case 'run':
      return runCommand(folder());
    case 'status':
      return statusCommand(folder(), values.json === true);
    case 'dev': {
      const { devProcess } = await import('./dev.ts');
      return devProcess(values.stores === undefined ? undefined : resolve(values.stores));
    }
    case 'simulate': {
      const { simulateProcess } = await import('./simulate/process.ts');
      return simulateProcess();
    }
    default:
      throw new UsageError(name === undefined ? 'a command is missing' : `there is no command ${name}`);
  }
}

async function enrolCommand(token: string, server: string, folder: string): Promise<void> {
  const [{ openClock }, { enrol }] = await Promise.all([
    import('./link/clock.ts'),
    import('./link/enrol.ts'),
  ]);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { device } = await enrol({ token, server, folder, clock: await openClock(folder) });
  process.stdout.write(`${JSON.stringify({ enrolled: true, device })}\n`);
}

async function runCommand(folder: string): Promise<void> {
  await launch(folder);
  const { run } = await import('./run.ts');
  await run(folder);
}

async function statusCommand(folder: string, json: boolean): Promise<void> {
  const { readStatus, statusText } = await import('./status.ts');
  const status = await readStatus(folder);
  process.stdout.write(json ? `${JSON.stringify(status)}\n` : statusText(status));
}
