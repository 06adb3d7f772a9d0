/**
 * `wafer dev`: a guest on this machine while it is being written. Parties: the person at the terminal,
 * the files that they edit, and a local agent (device-agent/src/dev.ts), which runs the guest as a board
 * would: same grants, same limits, same swap.
 *
 * Invariants: what runs goes on running until something better has proved itself; nothing is loaded that
 * publish, or a device, would refuse; whatever way this ends, no process of it is left behind.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { toWaferError } from '../output.ts';
import { Builder, type Built } from './build.ts';
import type { Told } from './events.ts';
import { readLine } from './input.ts';
import { LocalAgent } from './local-agent.ts';
import { mapPlaces } from './sources.ts';
import { Watch } from './watch.ts';

/** A file that does not build may still be in the middle of being written. */
const SECOND_LOOK_MS = 150;

export interface DevOptions {
  /** Absolute paths. */
  readonly file: string;
  readonly manifest: string | undefined;
  /** Where key-value stores are kept; else they go with the command. */
  readonly storesFolder: string | undefined;
  readonly input: Readable;
  /** Places of a stack are told relative to this folder. */
  readonly cwd: string;
  readonly tell: (told: Told) => void;
  /** Aborted when the person wants to stop. */
  readonly interrupted: AbortSignal;
}

/** Resolves when the person has had enough; rejects when the agent cannot be had. */
export async function dev(options: DevOptions): Promise<void> {
  const { file, manifest, storesFolder, input, interrupted } = options;
  const folder = await mkdtemp(join(tmpdir(), 'wafer-dev-'));
  const watch = new Watch();
  const tell = (told: Told): void => options.tell(inPlace(told, builder.root, options.cwd));
  const builder = new Builder({
    file,
    manifest,
    onFile: (each) => watch.add(each),
    warn: (message) => tell({ event: 'build-warned', message }),
  });
  const agent = new LocalAgent(storesFolder, tell);
  const lines = createInterface({ input });
  try {
    const enough = new Promise<void>((resolve) => {
      interrupted.addEventListener('abort', () => resolve());
      if (interrupted.aborted) resolve();
      lines.on('line', (line) => obey(line, agent, tell, resolve));
    });
    tell({ event: 'watching', file });
    await Promise.race([enough, agent.ended, follow({ agent, builder, watch, folder, tell })]);
  } finally {
    lines.close();
    input.destroy();
    watch.close();
    await agent.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function obey(line: string, agent: LocalAgent, tell: DevOptions['tell'], quit: () => void): void {
  const asked = readLine(line);
  switch (asked.ask) {
    case 'nothing':
      return;
    case 'quit':
      return quit();
    case 'help':
      return tell({ event: 'help' });
    case 'send':
      return agent.send(asked.topic, asked.payload);
    case 'restart': {
      const since = performance.now();
      void agent.restart().then((change) => {
        const totalMs = performance.now() - since;
        tell(change.event === 'failed' ? change : { ...change, buildMs: 0, totalMs, bytes: 0 });
      });
    }
  }
}

interface Following {
  readonly agent: LocalAgent;
  readonly builder: Builder;
  readonly watch: Watch;
  readonly folder: string;
  readonly tell: DevOptions['tell'];
}

/** Builds and loads, after every change again; never ends by itself. */
async function follow(parts: Following): Promise<never> {
  for (let since = performance.now(); ; since = await parts.watch.next()) await bring(parts, since);
}

async function bring({ agent, builder, watch, folder, tell }: Following, since: number): Promise<void> {
  const built = await build(builder, watch);
  if ('event' in built) return tell(built);
  const buildMs = performance.now() - since;
  if (built.refused.length > 0) return tell({ event: 'refused', refused: built.refused });
  const file = join(folder, 'guest.component.wasm');
  await writeFile(file, built.component);
  const change = await agent.load(file, built.spec);
  if (change.event === 'failed') return tell(change);
  const totalMs = performance.now() - since;
  tell({ ...change, buildMs, totalMs, bytes: built.component.length });
}

async function build(builder: Builder, watch: Watch): Promise<Built | Told> {
  for (;;) {
    const before = await watch.fingerprint();
    try {
      return await builder.build();
    } catch (error) {
      await new Promise((resolve) => setTimeout(resolve, SECOND_LOOK_MS));
      if ((await watch.fingerprint()) !== before && before !== '') continue;
      const { code, message } = toWaferError(error);
      return { event: 'build-failed', code, message };
    }
  }
}

/** The same with the places of its stack where the person finds them. */
function inPlace(told: Told, root: string, cwd: string): Told {
  const map = (text: string): string => mapPlaces(text, root, cwd);
  switch (told.event) {
    case 'fault':
    case 'failed':
    case 'undelivered':
      return { ...told, fault: { ...told.fault, message: map(told.fault.message) } };
    case 'log':
      return { ...told, text: map(told.text) };
    case 'build-failed':
    case 'build-warned':
      return { ...told, message: map(told.message.replaceAll(`${cwd}/`, '')) };
    case 'watching':
      return { ...told, file: told.file.replace(`${cwd}/`, '') };
    case 'ready':
    case 'help':
    case 'swapped':
    case 'refused':
    case 'delivered':
    case 'dropped':
    case 'publish':
      return told;
  }
}
