/** The rig `local`: the agent as a process on this machine, with this Node. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { release, tmpdir, type } from 'node:os';
import { join } from 'node:path';
import { ended, type Ended } from '../ended.ts';
import { Agents, killGroup } from './agents.ts';
import type { AgentPackage } from './package.ts';
import type { BoardFacts, Environment, Rig, RunningAgent } from './rig.ts';

const LEAVE_WITHIN_MS = 10_000;

export class LocalBoard implements Rig {
  readonly name = 'local';
  readonly kind = 'process';
  readonly arch: string = process.arch;
  readonly patience = 1;
  readonly #folder = mkdtempSync(join(tmpdir(), 'wafer-rig-'));
  readonly #agents = new Agents();
  #agent: AgentPackage | undefined;

  prepare(agent: AgentPackage): Promise<BoardFacts> {
    this.#agent = agent;
    return Promise.resolve({ arch: process.arch, os: `${type()} ${release()}`, node: process.version });
  }

  reach(): Promise<void> {
    return Promise.resolve();
  }

  folder(name: string): string {
    return join(this.#folder, name);
  }

  agent(args: readonly string[]): Promise<Ended> {
    return ended(this.#spawn(args));
  }

  start(folder: string, environment: Environment = {}): Promise<RunningAgent> {
    const child = this.#spawn(['run', '--data', folder], environment);
    const running = this.#agents.add(child, {
      stop: () => void child.kill('SIGTERM'),
      kill: () => killGroup(child),
      leaveWithinMs: LEAVE_WITHIN_MS,
    });
    return Promise.resolve(running);
  }

  here(path: string): string {
    return path;
  }

  read(path: string): Promise<Buffer> {
    return readFile(path);
  }

  write(path: string, content: string | Uint8Array): Promise<void> {
    return writeFile(path, content);
  }

  async close(): Promise<void> {
    await this.#agents.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #spawn(args: readonly string[], environment: Environment = {}): ChildProcess {
    if (this.#agent === undefined) throw new Error('the rig was not prepared');
    // A group of its own, so that a power cut takes its children too.
    return spawn(join(this.#agent.folder, 'bin/wafer-agent'), [...args], {
      detached: true,
      env: { ...process.env, WAFER_NODE: process.execPath, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}
