/** The agent's app host as a child process, asked one thing at a time: a script of device-agent/bench. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCRIPTS = fileURLToPath(new URL('../../device-agent/bench/', import.meta.url));

export class AgentHost {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;

  constructor(script: 'host' | 'call' | 'exec' = 'host') {
    this.#child = spawn(process.execPath, [`${SCRIPTS}${script}.ts`], { stdio: 'pipe' });
    this.#child.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#child.stdout });
  }

  /** What the host answers to a command (see its head for both). Rejects when it has ended. */
  async ask(command: object): Promise<Record<string, number>> {
    const ended = new AbortController();
    const onExit = (): void => ended.abort(new Error('the app host ended'));
    this.#child.once('exit', onExit);
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    const [line] = (await once(this.#lines, 'line', { signal: ended.signal })) as [string];
    this.#child.off('exit', onExit);
    return JSON.parse(line) as Record<string, number>;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.stdin.end();
    await exited;
  }
}
