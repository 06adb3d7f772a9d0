/**
 * `wafer up`: a living fleet on this machine. It starts the server, enrols one local agent through
 * the same door as any board, and publishes the example app, each as a process of its own that
 * knows nothing of the others but their public interfaces. What exists is left as it is, so a
 * second start finds everything as it was.
 *
 * Data folder: `server/` and `postgres/` (the server's), `publisher-keys/` (offline keys; in
 * earnest they live elsewhere), `agent/` (the local board's), `logs/`.
 */
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { join, resolve } from 'node:path';
import { box } from './box.ts';
import { run, start, StartError, stop, type Started } from './process.ts';
import type { Progress } from './progress.ts';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../../..');
const SERVER = join(ROOT, 'server/src/main.ts');
const AGENT = join(ROOT, 'device-agent/src/main.ts');
const CLI = join(ROOT, 'cli/src/main.ts');
const EXAMPLE = { app: 'thermo', version: '1.0.0', file: join(ROOT, 'examples/thermo/thermo-1.0.0.wasm') };

/** How long the example may take to run on the local board, ms. */
const RUNNING_WITHIN_MS = 60_000;

export interface UpOptions {
  /** Absolute path. */
  readonly data: string;
  readonly progress: Progress;
  readonly print: (text: string) => void;
  /** Aborted when the person wants to stop. */
  readonly interrupted: AbortSignal;
}

interface ServerReady {
  readonly dashboard: string;
  readonly signIn: string;
  readonly api: string;
  readonly credentials: string;
}

function serverReady(ready: Readonly<Record<string, unknown>>): ServerReady {
  const text = (key: string): string => {
    const value = ready[key];
    if (typeof value !== 'string') throw new StartError(`the server did not say its "${key}"`);
    return value;
  };
  return {
    dashboard: text('dashboard'),
    signIn: text('signIn'),
    api: text('api'),
    credentials: text('credentials'),
  };
}

/** The CLI as a person would use it, on this server; its `--json` answer. */
async function wafer(args: readonly string[], credentials: string): Promise<unknown> {
  return JSON.parse(await run([CLI, ...args, '--json'], { WAFER_CREDENTIALS: credentials }));
}

async function publishExample(data: string, credentials: string, progress: Progress): Promise<void> {
  const keys = join(data, 'publisher-keys');
  if (!existsSync(keys)) {
    progress.step('making the publisher’s keys');
    // Nobody is asked anything on the first start; `keys status` says that these keys lie open.
    await wafer(['keys', 'init', '--no-passphrase', '--keys', keys], credentials);
  }
  progress.step(`publishing ${EXAMPLE.app} ${EXAMPLE.version} on channel stable`);
  const { app, version, file } = EXAMPLE;
  await wafer(
    ['publish', file, '--app', app, '--version', version, '--channel', 'stable', '--keys', keys],
    credentials,
  );
}

async function enrolLocalAgent(data: string, server: ServerReady, progress: Progress): Promise<void> {
  progress.step('enrolling the local board');
  const claim = (await wafer(['claim', 'create', '--channel', 'stable'], server.credentials)) as {
    token: string;
  };
  await run([AGENT, 'enrol', claim.token, '--server', server.api, '--data', join(data, 'agent')]);
}

/** Waits until the board itself says that the example runs. */
async function exampleRuns(device: string, credentials: string): Promise<void> {
  const deadline = Date.now() + RUNNING_WITHIN_MS;
  for (;;) {
    const detail = (await wafer(['device', device], credentials)) as {
      apps: {
        app: string;
        running: { state: string } | null;
        execution: { fault: { message: string } | null } | null;
      }[];
    };
    const example = detail.apps.find(({ app }) => app === EXAMPLE.app);
    if (example === undefined || example.running !== null) return;
    const fault = example.execution?.fault;
    if (fault) throw new StartError(`${EXAMPLE.app} does not run on the local board: ${fault.message}`);
    if (Date.now() > deadline)
      throw new StartError(`${EXAMPLE.app} did not start on the local board in time`);
    await sleep(300);
  }
}

function summary(data: string, server: ServerReady, token: string): string {
  return box('Wafer is running', [
    { label: 'Dashboard', value: server.dashboard },
    { label: 'Sign in', value: server.signIn },
    {
      label: 'Add a board (this works once, for a day)',
      value: [
        'npm run agent -- enrol \\',
        `  ${token} \\`,
        `  --server ${server.api} --data data/board`,
        'npm run agent -- run --data data/board',
      ],
    },
    { label: 'Data', value: data },
    { label: 'Stop', value: 'Ctrl-C' },
  ]);
}

/** Brings everything up, telling `onStarted` of each process as soon as it is there. */
async function bringUp(
  { data, progress, interrupted }: UpOptions,
  onStarted: (process: Started) => void,
): Promise<string> {
  const logs = join(data, 'logs');
  mkdirSync(logs, { recursive: true });
  const launch = async (options: Parameters<typeof start>[0]): Promise<Started> => {
    interrupted.throwIfAborted();
    const process = await start(options, onStarted);
    interrupted.throwIfAborted();
    return process;
  };
  progress.step('starting the server');
  const server = await launch({
    name: 'the server',
    args: [SERVER],
    env: { WAFER_DATA: data },
    logFile: join(logs, 'server.log'),
    onProgress: (text) => progress.step(text),
  });
  const ready = serverReady(server.ready);
  const published = (await wafer(['releases'], ready.credentials)) as unknown[];
  if (published.length === 0) await publishExample(data, ready.credentials, progress);
  const isNewBoard = !existsSync(join(data, 'agent/identity/identity.json'));
  if (isNewBoard) await enrolLocalAgent(data, ready, progress);
  progress.step('starting the local board');
  const agent = await launch({
    name: 'the local board',
    args: [AGENT, 'run', '--data', join(data, 'agent')],
    logFile: join(logs, 'agent.log'),
  });
  if (isNewBoard) {
    progress.step(`waiting until the board runs ${EXAMPLE.app}`);
    await exampleRuns(String(agent.ready['device']), ready.credentials);
  }
  const claim = (await wafer(['claim', 'create', '--channel', 'stable'], ready.credentials)) as {
    token: string;
  };
  progress.done();
  return summary(data, ready, claim.token);
}

/** Runs until interrupted, or until one of its processes ends by itself; then ends them all. */
export async function up(options: UpOptions): Promise<void> {
  const processes: Started[] = [];
  const stopped = once(options.interrupted, 'abort').then(() => undefined);
  try {
    const text = await Promise.race([stopped, bringUp(options, (process) => processes.unshift(process))]);
    if (text === undefined) return;
    options.print(text);
    const first = await Promise.race([
      stopped,
      ...processes.map(({ name, ended }) => ended.then(() => name)),
    ]);
    if (first !== undefined)
      throw new StartError(`${first} ended by itself; see ${join(options.data, 'logs')}`);
  } finally {
    // The board first, so that it can still say goodbye to the server.
    for (const process of processes) await stop(process);
  }
}
