/** Commands of the agent's process, and what they exit with: 0 done, 1 failed, 2 wrong usage. */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock, WaferError } from '@wafer/protocol';
import { ConfigError, readConfig } from './config.ts';
import { readIdentity } from './link/identity.ts';
import { lockFolder } from './lock.ts';
import { reason, stderrLog } from './log.ts';
import { readStatus, statusText } from './status.ts';

const USAGE = `usage:
  enrol TOKEN --server https://HOST:PORT --data DIR
  run --data DIR
  status --data DIR [--json]
  dev [--stores DIR]   (for wafer dev: orders on standard input, events on standard output)`;

class UsageError extends Error {}

function required(value: string | undefined, name: string): string {
  if (value === undefined || value === '') throw new UsageError(`${name} is missing`);
  return value;
}

export async function main(args: string[]): Promise<void> {
  try {
    await command(args);
  } catch (error) {
    const isUsage =
      error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
    const code = error instanceof WaferError ? `${error.code}: ` : '';
    process.stderr.write(`${code}${reason(error).split('\n')[0]}\n${isUsage ? `${USAGE}\n` : ''}`);
    process.exitCode = isUsage ? 2 : 1;
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
    default:
      throw new UsageError(name === undefined ? 'a command is missing' : `there is no command ${name}`);
  }
}

async function enrolCommand(token: string, server: string, folder: string): Promise<void> {
  const { enrol } = await import('./link/enrol.ts');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { device } = await enrol({ token, server, folder, clock: systemClock });
  process.stdout.write(`${JSON.stringify({ enrolled: true, device })}\n`);
}

async function runCommand(folder: string): Promise<void> {
  const identity = await readIdentity(folder);
  if (identity === undefined) throw new ConfigError(`${folder} is not enrolled; run enrol first`);
  const config = await readConfig(folder);
  if ((await lockFolder(folder)) === undefined) {
    throw new ConfigError(`another agent runs on ${folder}`);
  }
  const log = stderrLog(systemClock);
  // A promise that nobody awaited is a mistake of ours, but leaves every invariant in place.
  process.on('unhandledRejection', (error) => log('error', 'defect', { error: stack(error) }));
  // After a throw out of an event nothing is certain: the journal is, and a fresh start reads it.
  process.on('uncaughtException', (error) => {
    log('error', 'defect', { error: stack(error) });
    process.exit(1);
  });
  const [{ startAgent }, { createRuntime }] = await Promise.all([
    import('./agent.ts'),
    import('./apps/host.ts'),
  ]);
  const agent = await startAgent({
    folder,
    identity,
    config,
    log,
    createRuntime,
    onReady: () => process.stdout.write(`${JSON.stringify({ ready: true, device: identity.device })}\n`),
  });
  let isLeaving = false;
  const leave = () => {
    if (isLeaving) return;
    isLeaving = true;
    void agent
      .close()
      .catch((error: unknown) => log('error', 'defect', { error: stack(error) }))
      .finally(() => process.exit(0));
  };
  process.on('SIGTERM', leave);
  process.on('SIGINT', leave);
}

async function statusCommand(folder: string, json: boolean): Promise<void> {
  const status = await readStatus(folder);
  process.stdout.write(json ? `${JSON.stringify(status)}\n` : statusText(status));
}

const stack = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
