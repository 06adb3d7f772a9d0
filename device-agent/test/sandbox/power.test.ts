/**
 * The end of the agent at each write of an install, from the order to the end of the soak: it comes back
 * with the old release or the new one, and its journal says which.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppName, type SignedDesired } from '@wafer/protocol';
import { expect, onTestFinished } from 'vitest';
import { startAgent } from '../../src/agent.ts';
import { createRuntime } from '../../src/apps/host.ts';
import type { Runtime } from '../../src/apps/runtime.ts';
import { Config } from '../../src/config.ts';
import { storeIdentity, type Identity } from '../../src/link/identity.ts';
import { silentLog } from '../../src/log.ts';
import { readJournal } from '../../src/state/journal.ts';
import { factoryRootPath } from '../../src/trust/generations.ts';
import { temporaryFolder } from '../folder.ts';
import { TestServer } from '../link/server.ts';
import { DEVICE, orderFor } from '../state/orders.ts';
import { Repository } from '../trust/repository.ts';
import { reactor } from './handmade.ts';
import { attack } from './stage.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const EACH_WRITE = join(import.meta.dirname, 'each-write.ts');
const SOON = { timeout: 20_000, interval: 20 };
const THERMO = AppName.parse('thermo');
/** Where among the writes the process is really killed; at all of them the disk is looked at as a copy. */
const KILLS = [0.3, 0.6, 0.75, 0.9];
const LONGEST_MS = 240_000;

interface World {
  readonly server: TestServer;
  /** A board's folder with 1.0.0 installed, for `board` to copy. */
  readonly installed: string;
  readonly two: SignedDesired;
}

/** Runs the agent's own program on a folder; `watched` are the variables of each-write.ts. */
function runAgent(folder: string, watched?: Record<string, string>) {
  const hook = watched === undefined ? [] : ['--import', EACH_WRITE];
  const child = spawn(process.execPath, [...hook, MAIN, 'run', '--data', folder], {
    stdio: 'ignore',
    env: watched === undefined ? {} : { WRITES_IN: folder, ...watched },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const leave = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  return { exited, leave };
}

const hasEnded = (server: TestServer, version: string): boolean =>
  [...server.reports.values()].some(
    ({ event }) => event.kind === 'execution' && event.version === version && event.state === 'SUCCEEDED',
  );

async function newWorld(): Promise<World> {
  const repository = new Repository();
  const exports = ['lifecycle', 'health', 'timer', 'state'].map((name) => `wafer:app/${name}@0.1.0`);
  const release = async (version: string, check: string) =>
    repository.publish('thermo', version, { bytes: Buffer.from(await reactor({ check })), exports });
  const health = { soakMs: 300, probeEveryMs: 100 };
  const one = orderFor(await release('1.0.0', '(nop)'), { health });
  const two = orderFor(await release('2.0.0', '(nop) (nop)'), { health });

  const server = await TestServer.start(DEVICE, repository);
  const installed = await temporaryFolder();
  mkdirSync(join(installed, 'trust'), { recursive: true });
  writeFileSync(factoryRootPath(installed), repository.root);
  writeFileSync(join(installed, 'agent.yaml'), 'isolates: 1\nhealth: { everySeconds: 1 }\n');
  await storeIdentity(installed, await server.identity());

  server.desired = repository.desired(DEVICE, 1, [one]);
  const agent = runAgent(installed);
  await expect.poll(() => hasEnded(server, '1.0.0'), SOON).toBe(true);
  await agent.leave();
  return { server, installed, two: repository.desired(DEVICE, 2, [two]) };
}

async function board({ installed }: World): Promise<string> {
  const folder = await temporaryFolder();
  cpSync(installed, folder, { recursive: true });
  return folder;
}

/** Boots on a folder without any network, and answers the version that comes to serve. */
async function bootedVersion(folder: string, identity: Identity): Promise<string> {
  let runtime: Runtime | undefined;
  const agent = await startAgent({
    folder,
    identity: { ...identity, broker: { host: '127.0.0.1', port: 9 } },
    config: Config.parse({ isolates: 1 }),
    log: silentLog,
    createRuntime: (options) => (runtime = createRuntime(options)),
    onReady: () => undefined,
  });
  try {
    const serving = () =>
      runtime?.health().find(({ app, state }) => app === THERMO && state !== 'starting')?.version;
    const recorded = async () => (await readJournal(folder)).apps[THERMO]?.current?.order.version;
    await expect.poll(serving, SOON).toBeDefined();
    // An install that was interrupted late goes on by itself, so for a moment the two may differ.
    await expect.poll(async () => (await recorded()) === serving(), SOON).toBe(true);
    return serving()!;
  } finally {
    await agent.close();
  }
}

attack(
  'end of the agent at each write of an install',
  async () => {
    const world = await newWorld();
    const { server } = world;
    const identity = await server.identity();

    // The whole install, and beside it what the disk held before each of its writes.
    const copies = await temporaryFolder();
    server.desired = world.two;
    const agent = runAgent(await board(world), { COPIES_TO: copies });
    await expect.poll(() => hasEnded(server, '2.0.0'), SOON).toBe(true);
    await agent.leave();
    server.desired = undefined;

    const names = readdirSync(copies).toSorted();
    expect(names.length).toBeGreaterThan(20);
    const versions: string[] = [];
    const bootNext = async (): Promise<void> => {
      for (let name = names.shift(); name !== undefined; name = names.shift()) {
        versions.push(await bootedVersion(join(copies, name), identity));
      }
    };
    await Promise.all([bootNext(), bootNext()]);
    expect(new Set(versions)).toEqual(new Set(['1.0.0', '2.0.0']));
    return `at ${versions.length} writes it came back, with the old or the new release`;
  },
  LONGEST_MS,
);

attack(
  'kill -9 of the agent in the middle of an install',
  async () => {
    const world = await newWorld();
    const { server } = world;
    const copies = await temporaryFolder();
    server.desired = world.two;
    const whole = runAgent(await board(world), { COPIES_TO: copies });
    await expect.poll(() => hasEnded(server, '2.0.0'), SOON).toBe(true);
    await whole.leave();
    const writes = readdirSync(copies).length;

    const came: string[] = [];
    for (const kill of KILLS) {
      const folder = await board(world);
      const at = Math.round(writes * kill);
      server.desired = world.two;
      const [, signal] = await runAgent(folder, { KILL_AT: String(at) }).exited;
      expect(signal).toBe('SIGKILL');
      server.desired = undefined;
      server.health.length = 0;
      const again = runAgent(folder);
      const running = () => server.health.at(-1)?.apps.find(({ app }) => app === THERMO);
      await expect.poll(running, SOON).toBeDefined();
      came.push(running()!.version);
      await again.leave();
    }

    return `killed at ${KILLS.length} of ${writes} writes, it came back with ${came.join(', ')}`;
  },
  LONGEST_MS,
);
