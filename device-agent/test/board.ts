/** A whole agent on a broker of its own, over a folder that outlives it; only its guests are not real. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FaultKind, SelfTest } from '@wafer/protocol';
import { onTestFinished } from 'vitest';
import { startAgent, type Agent, type AgentOptions } from '../src/agent.ts';
import { Config } from '../src/config.ts';
import { silentLog } from '../src/log.ts';
import { factoryRootPath } from '../src/trust/generations.ts';
import { temporaryFolder } from './folder.ts';
import { TestServer } from './link/server.ts';
import { FakeRuntime } from './state/fake-runtime.ts';
import { DEVICE } from './state/orders.ts';
import { Repository } from './trust/repository.ts';

export const SOON = { timeout: 8000, interval: 20 };

export class Board {
  runtime!: FakeRuntime;
  agent: Agent | undefined;
  ready = 0;
  readonly folder: string;
  readonly server: TestServer;
  readonly repository: Repository;

  readonly #more: Pick<AgentOptions, 'memory'>;

  constructor(
    folder: string,
    server: TestServer,
    repository: Repository,
    more: Pick<AgentOptions, 'memory'> = {},
  ) {
    this.#more = more;
    this.folder = folder;
    this.server = server;
    this.repository = repository;
  }

  /** `selfTest`: how the board did; without it nobody tested it. */
  async boot(selfTest?: SelfTest): Promise<void> {
    const { folder, server } = this;
    this.agent = await startAgent({
      folder,
      identity: await server.identity(),
      config: Config.parse({ health: { everySeconds: 1 } }),
      log: silentLog,
      ...this.#more,
      ...(selfTest === undefined ? {} : { selfTest: async () => selfTest }),
      createRuntime: ({ events }) => (this.runtime = new FakeRuntime(events)),
      onReady: () => (this.ready += 1),
    });
  }

  async halt(): Promise<void> {
    await this.agent?.close();
    this.agent = undefined;
  }

  executions(): string[] {
    return [...this.server.reports.values()].flatMap(({ event }) =>
      event.kind === 'execution'
        ? `${event.version} ${event.state}${event.stage ? `/${event.stage}` : ''}`
        : [],
    );
  }

  faults(): FaultKind[] {
    return [...this.server.reports.values()].flatMap(({ event }) =>
      event.kind === 'fault' ? event.fault.kind : [],
    );
  }
}

export async function newBoard(
  repository = new Repository(),
  more: Pick<AgentOptions, 'memory'> = {},
): Promise<Board> {
  const server = await TestServer.start(DEVICE, repository);
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'trust'), { recursive: true });
  await writeFile(factoryRootPath(folder), repository.root);
  const board = new Board(folder, server, repository, more);
  await board.boot();
  onTestFinished(() => board.halt());
  return board;
}
