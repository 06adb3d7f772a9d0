/** Processes of the agent, however a rig starts them: what they say, and how they end. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { RunningAgent } from './rig.ts';

const KEPT_LINES = 200;

export interface Ways {
  /** Asks it to leave. */
  readonly stop: () => void | Promise<void>;
  /** Ends it and all its children without a word. */
  readonly kill: () => void | Promise<void>;
  /** Longest that it may take to leave, ms; then it is killed. */
  readonly leaveWithinMs: number;
}

/** `child` is the agent, or what stands for it here: it ends when the agent does. */
function runningAgent(child: ChildProcess, ways: Ways): RunningAgent {
  const log: string[] = [];
  const listeners = new Set<(line: string) => void>();
  const gone = once(child, 'close').then(() => undefined);
  createInterface({ input: child.stderr! }).on('line', (line) => {
    log.push(line);
    for (const heard of listeners) heard(line);
    if (log.length > KEPT_LINES) log.shift();
  });
  const ready = new Promise<string>((found, lost) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      const said = JSON.parse(line) as Record<string, unknown>;
      if (said['ready'] === true) found(String(said['device']));
    });
    void gone.then(() => lost(new Error(`the agent ended: ${log.slice(-5).join('\n')}`)));
  });
  // Whoever does not wait for it has no use for its end either.
  ready.catch(() => undefined);
  const kill = async (): Promise<void> => {
    await ways.kill();
    await gone;
  };
  return {
    ready,
    log,
    hear(heard) {
      listeners.add(heard);
      return () => listeners.delete(heard);
    },
    kill,
    async stop() {
      let late: NodeJS.Timeout | undefined;
      const patience = new Promise<'late'>((resolve) => {
        late = setTimeout(() => resolve('late'), ways.leaveWithinMs);
      });
      await ways.stop();
      const first = await Promise.race([gone, patience]);
      clearTimeout(late);
      if (first === 'late') await kill();
    },
  };
}

/** Those of one rig that run. */
export class Agents {
  readonly #running = new Set<RunningAgent>();

  add(child: ChildProcess, ways: Ways): RunningAgent {
    const running = runningAgent(child, ways);
    this.#running.add(running);
    child.once('close', () => this.#running.delete(running));
    return running;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((agent) => agent.stop()));
  }
}

/** Ends a group of processes whose leader was started detached. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // It had ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
