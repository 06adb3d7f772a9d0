/** The server as a process, the way that people run it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Ready } from '../src/start.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  readonly stdout: string[];
}

export interface Run {
  readonly child: ChildProcess;
  /** Rejects with what stderr said when the process ended before. */
  readonly ready: Promise<Ready>;
  readonly ended: Promise<Ended>;
  stop(signal?: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<Ended>;
}

/** Free ports, quiet logs and what `env` says. */
export function runServer(env: Record<string, string>): Run {
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      WAFER_API_PORT: '0',
      WAFER_MQTT_PORT: '0',
      WAFER_HTTP_PORT: '0',
      WAFER_LOG_LEVEL: 'warn',
      ...env,
    },
  });
  const stdout: string[] = [];
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]): Ended => ({
    code: code as number | null,
    stderr,
    stdout,
  }));
  const ready = new Promise<Ready>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      stdout.push(line);
      const said = JSON.parse(line) as Ready | { progress: string };
      if ('ready' in said) resolve(said);
    });
    void ended.then(({ code }) => reject(new Error(`ended with ${code}: ${stderr}`)));
  });
  ready.catch(() => undefined); // a test that waits for the end does not wait for this
  return {
    child,
    ready,
    ended,
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}
