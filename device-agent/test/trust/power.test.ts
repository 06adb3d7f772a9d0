/**
 * kill -9 at each call of the file system during an update of trust: new roots, timestamp, snapshot, targets,
 * an app's role and floor, the director's keys, and the switch of generations. A sweep: a process of its own for
 * each call, until one comes through.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppName } from '@wafer/protocol';
import { build } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';
import { openClock } from '../../src/link/clock.ts';
import { Floors } from '../../src/trust/floors.ts';
import { factoryRootPath, Generations } from '../../src/trust/generations.ts';
import { Trust } from '../../src/trust/updater.ts';
import { temporaryFolder } from '../folder.ts';
import { DEVICE, orderFor } from '../state/orders.ts';
import { newSigner, Repository, type Published } from './repository.ts';
import { update, type Update } from './update-once.ts';

const UPDATE_ONCE = join(import.meta.dirname, 'update-once.ts');
const EACH_WRITE = join(import.meta.dirname, '../sandbox/each-write.ts');
const THERMO = AppName.parse('thermo');
const DAY_MS = 86_400_000;
const LONGEST_MS = 240_000;

interface World {
  readonly repository: Repository;
  /** A board's folder on which 1.0.0 was judged, for `board` to copy. */
  readonly before: string;
  readonly one: Published;
  readonly two: Published;
  readonly next: Pick<Update, 'desired' | 'at'>;
  /** What `program` reads. */
  readonly file: string;
  /** update-once.ts in one file, which starts in a third of the time. */
  readonly program: string;
}

const encoded = (files: ReadonlyMap<string, Buffer>): Record<string, string> =>
  Object.fromEntries([...files].map(([name, bytes]) => [name, bytes.toString('base64')]));

/** `withheld` are the files that the server does not give to those who are killed. */
async function newWorld(withheld: readonly string[]): Promise<World> {
  const repository = new Repository();
  repository.inlineDirectorKeys = false;
  const at = Date.now() + DAY_MS;
  const before = await temporaryFolder();
  mkdirSync(join(before, 'trust'));
  writeFileSync(factoryRootPath(before), repository.root);
  const one = repository.publish('thermo', '1.0.0');
  const first = repository.desired(DEVICE, 1, [orderFor(one)], { now: at });
  await update(before, repository.requests, { desired: first, at });

  for (let times = 0; times < 2; times += 1) {
    const old = repository.keys.root;
    for (const role of ['root', 'targets', 'snapshot', 'timestamp', 'app', 'director'] as const)
      repository.keys[role] = newSigner();
    repository.rotateRoot([old, repository.keys.root]);
  }
  const two = repository.publish('thermo', '2.0.0');
  repository.setFloor('thermo', 2);
  const later = at + DAY_MS;
  const desired = repository.desired(DEVICE, 2, [orderFor(two)], { now: later });
  const next = { desired, at: later };
  const away = await temporaryFolder();
  const [file, program] = [join(away, 'update.json'), join(away, 'update-once.mjs')];
  const files = encoded(new Map([...repository.files].filter(([name]) => !withheld.includes(name))));
  const served: Update = { files, blobs: encoded(repository.blobs), ...next };
  writeFileSync(file, JSON.stringify(served));
  await build({
    entryPoints: [UPDATE_ONCE],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    logLevel: 'silent',
  });
  return { repository, before, one, two, next, file, program };
}

async function board({ before }: World): Promise<string> {
  const folder = await temporaryFolder();
  cpSync(before, folder, { recursive: true });
  return folder;
}

/** False when the update came through before its `call`-th call. */
async function killedAt(call: number, folder: string, { program, file }: World): Promise<boolean> {
  const child = spawn(process.execPath, ['--import', EACH_WRITE, program, folder, file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      WRITES_IN: folder,
      KILL_AT: String(call),
      EVERY_CALL: '1',
      NODE_COMPILE_CACHE: join(program, '../compiled'),
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (signal === 'SIGKILL') return true;
  expect({ call, code, errors }).toEqual({ call, code: 0, errors: '' });
  return false;
}

/** What the board knows after a boot without network: whose release is genuine, and the floor. */
async function knownTo(folder: string, { repository, one, two, next }: World) {
  const clock = await openClock(folder, { now: () => next.at, isSynchronised: async () => true });
  const trust = await Trust.open({ folder, requests: repository.requests, clock });
  const paths = await trust.offline(async (view) => {
    const found = await Promise.all([one, two].map(({ target }) => view.target(target.path)));
    return [...found.map((target) => target !== undefined), Object.keys((await view.directorKeys()).keys)];
  });
  const floor = (await Floors.open(folder)).of(THERMO);
  return { one: paths[0], two: paths[1], director: paths[2], floor };
}

const filesIn = async (folder: string) => (await (await Generations.open(folder)).base()).files;

/** The updater starts, knows what is whole, and its next update ends at the new. Answers what it had: the newest root. */
async function mustComeBack(folder: string, world: World, whole: ReadonlyMap<string, Buffer>) {
  const { repository, next } = world;
  const known = await knownTo(folder, world);
  expect(known.one).toBe(true);
  // A floor may be ahead of what signs it, never behind.
  if (known.two) expect(known.floor).toBe(2);
  const root = (await filesIn(folder)).get('root');
  expect([repository.files.get('1.root.json'), whole.get('root')]).toContainEqual(root);
  const verdicts = await update(folder, repository.requests, next);
  expect(verdicts).toMatchObject([{ kind: 'admitted' }]);
  expect(await knownTo(folder, world)).toEqual({
    one: true,
    two: true,
    director: [repository.keys.director.id],
    floor: 2,
  });
  expect(await filesIn(folder)).toEqual(whole);
  return {
    root: root?.equals(whole.get('root')!) === true ? 'new' : 'old',
    release: known.two ? 'new' : 'old',
  };
}

test.for([
  ['an update of trust', [], ['old', 'new']],
  ['an update of trust that breaks off after the roots', ['timestamp.json'], ['old']],
] as const)(
  'kill -9 at each call of the file system during %s: the old or the new, whole, and then the new',
  { timeout: LONGEST_MS },
  async ([, withheld, releases], { task }) => {
    const world = await newWorld(withheld);
    const through = await board(world);
    await update(through, world.repository.requests, world.next);
    const whole = await filesIn(through);

    // Comes through, and leaves what it compiled to those who do not.
    await killedAt(0, await board(world), world);
    const came: Awaited<ReturnType<typeof mustComeBack>>[] = [];
    let next = 1;
    let isThrough = false;
    const sweep = async (): Promise<void> => {
      while (!isThrough) {
        const call = next;
        next += 1;
        const folder = await board(world);
        if (await killedAt(call, folder, world)) came.push(await mustComeBack(folder, world, whole));
        else isThrough = true;
      }
    };
    await Promise.all([sweep(), sweep()]);
    expect(came.length).toBeGreaterThan(40);
    expect(new Set(came.map(({ root }) => root))).toEqual(new Set(['old', 'new']));
    expect(new Set(came.map(({ release }) => release))).toEqual(new Set(releases));
    const old = came.filter(({ root }) => root === 'old').length;
    task.meta.stoppedBy = `killed at each of ${came.length} calls, it came back ${old} times with the old root, ${came.length - old} times with the new`;
  },
);
