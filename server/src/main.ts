/**
 * The fleet server as a process. stdout: JSON lines, `{"progress":…}` while it starts and one
 * `{"ready":true,…}`. stderr: logs, or the one line that says why it did not start. SIGTERM and
 * SIGINT stop it cleanly, exit code 0; a failed start is exit code 1.
 */
import { pino } from 'pino';
import { parseConfig, StartError } from './config.ts';
import type { Server } from './start.ts';

const print = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

function explain(error: unknown): string {
  if (error instanceof StartError) return error.message;
  const message = error instanceof Error ? error.message : String(error);
  return `The server did not start: ${message}`;
}

/** Synchronous: it is the last thing before the process ends. */
function fail(error: unknown): never {
  console.error(explain(error).replaceAll(/\s*\n\s*/g, ' '));
  process.exit(1);
}

async function main(): Promise<void> {
  const config = parseConfig(process.env);
  const log = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }));
  let starting: Promise<Server> | undefined;
  const stop = async (): Promise<void> => {
    const server = await starting;
    await server?.stop();
    process.exit(0);
  };
  let asked = 0;
  const onSignal = (): void => {
    asked += 1;
    if (asked > 2) process.exit(1); // whoever asks a third time does not want to wait
    if (asked === 1) stop().catch(fail);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);

  // After the configuration was read: what is wrong with it is said without loading the rest.
  const { start } = await import('./start.ts');
  starting = start(config, {
    log,
    progress: (step) => print({ progress: step }),
    onLost: () => fail(new StartError(`Another server took the data folder ${config.dataFolder}: stopped.`)),
  });
  print((await starting).ready);
}

main().catch(fail);
