/**
 * Commands of the agent's process, and what they exit with: 0 done, 1 failed, 2 wrong usage. What a
 * command needs is loaded by it, so that `run` is soon the process that it launches.
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { launch } from './launch.ts';

const OPTIONS = {
  server: { type: 'string' },
  data: { type: 'string' },
  json: { type: 'boolean' },
  quiet: { type: 'boolean' },
  stores: { type: 'string' },
} as const;

interface Values {
  readonly server?: string;
  readonly data?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly stores?: string;
}

interface Command {
  readonly usage: string;
  /** `rest` are its arguments behind its name. */
  readonly run: (rest: readonly string[], values: Values) => Promise<void>;
}

export type Commands = Readonly<Record<string, Command>>;

class UsageError extends Error {}

function required(value: string | undefined, name: string): string {
  if (value === undefined || value === '') throw new UsageError(`${name} is missing`);
  return value;
}

/** A package says by its starter where a board keeps its data. */
const folderOf = ({ data = process.env['WAFER_AGENT_DATA'] }: Values): string =>
  resolve(required(data, '--data DIR'));

const BOARD: Commands = {
  enrol: {
    usage: 'enrol TOKEN --server https://HOST:PORT --data DIR',
    async run([token], values) {
      const [{ openClock }, { enrol }] = await Promise.all([
        import('./link/clock.ts'),
        import('./link/enrol.ts'),
      ]);
      const claim = { token: required(token, 'TOKEN'), server: required(values.server, '--server URL') };
      const folder = folderOf(values);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const { device } = await enrol({ ...claim, folder, clock: await openClock(folder) });
      process.stdout.write(`${JSON.stringify({ enrolled: true, device })}\n`);
    },
  },
  run: {
    usage: 'run --data DIR',
    async run(_, values) {
      const folder = folderOf(values);
      await launch(folder);
      const { run } = await import('./run.ts');
      await run(folder);
    },
  },
  status: {
    usage: 'status --data DIR [--json]',
    async run(_, values) {
      const { readStatus, statusText } = await import('./status.ts');
      const status = await readStatus(folderOf(values));
      process.stdout.write(values.json === true ? `${JSON.stringify(status)}\n` : statusText(status));
    },
  },
  doctor: {
    usage: 'doctor --data DIR [--json | --quiet]',
    async run(_, values) {
      const [{ systemClock }, { doctorText, examine, isHealthy }] = await Promise.all([
        import('@wafer/protocol'),
        import('./doctor/doctor.ts'),
      ]);
      const found = await examine({ folder: folderOf(values), clock: systemClock });
      if (values.json === true) process.stdout.write(`${JSON.stringify(found)}\n`);
      else if (values.quiet !== true) process.stdout.write(doctorText(found));
      if (!isHealthy(found)) process.exitCode = 1;
    },
  },
  unenrol: {
    usage: 'unenrol --data DIR',
    async run(_, values) {
      const { unenrol, unenrolText } = await import('./unenrol.ts');
      process.stdout.write(unenrolText(await unenrol(folderOf(values))));
    },
  },
};

/** What a package's lib/board.sh does around these: it is said here so that one list has all. */
const SYSTEM = [
  'logs [journalctl options]                    (of the unit)',
  'devices [allow DEVICE... | deny DEVICE...]   (device nodes that the unit lets the agent at)',
];

const usageOf = (commands: Commands): string =>
  [
    'usage:',
    ...[...Object.values(commands).map(({ usage }) => usage), ...SYSTEM].map((line) => `  ${line}`),
  ].join('\n');

/** `more` are commands beside those of a board. */
export async function main(args: string[], more: Commands = {}): Promise<void> {
  const commands = { ...BOARD, ...more };
  try {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: OPTIONS });
    const [name, ...rest] = positionals;
    if (name === undefined) throw new UsageError('a command is missing');
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command === undefined) throw new UsageError(`there is no command ${name}`);
    await command.run(rest, values);
  } catch (error) {
    const { tellFailure } = await import('./failure.ts');
    tellFailure(error);
    const isUsage =
      error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
    if (!isUsage) return;
    process.stderr.write(`${usageOf(commands)}\n`);
    process.exitCode = 2;
  }
}
