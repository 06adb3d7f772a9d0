import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../folder.ts';

const STARTER = join(import.meta.dirname, '../../package/files/wafer-agent');
const [OLD, NEW] = ['0'.repeat(64), 'f'.repeat(64)] as const;

/**
 * Stands in for Node: writes down what it was started as, then runs `<program>.sh`, which says what that
 * agent does; one without a script leaves with 0.
 */
const NODE = `#!/bin/sh
printf '%s release=%s trial=%s\\n' "$1" "$WAFER_AGENT_RELEASE" "$WAFER_AGENT_TRIAL" >>"$WAFER_AGENT_DATA/started"
if [ -e "$1.sh" ]; then . "$1.sh"; fi
`;

class Board {
  readonly folder: string;
  readonly data: string;
  stderr = '';

  constructor(folder: string) {
    this.folder = folder;
    this.data = join(folder, 'data');
  }

  /** What an agent does, in shell; `package` is the package's own. */
  async does(agent: string, script: string): Promise<void> {
    const root =
      agent === 'package' ? join(this.folder, 'package') : join(this.data, 'agent/versions', agent);
    await mkdir(join(root, 'lib'), { recursive: true });
    await writeFile(join(root, 'lib/cli.cjs.sh'), script);
  }

  async link(name: 'current' | 'next', digest: string): Promise<void> {
    await symlink(join('versions', digest), join(this.data, 'agent', name));
  }

  /** The digest that a link names; undefined where there is none. */
  async linked(name: 'current' | 'next'): Promise<string | undefined> {
    return readlink(join(this.data, 'agent', name)).then(basename, () => undefined);
  }

  note = (name: string): Promise<string> => readFile(join(this.data, 'agent', name), 'utf8').catch(() => '');

  run(environment: Record<string, string> = {}): ChildProcess {
    const child = spawn(join(this.folder, 'package/bin/wafer-agent'), ['run', '--data', this.data], {
      env: { PATH: '/usr/bin:/bin', WAFER_NODE: join(this.folder, 'node'), ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.on('data', (text: Buffer) => (this.stderr += text.toString()));
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  }

  /** To its end; the exit code. */
  async ran(environment: Record<string, string> = {}): Promise<number | null> {
    const [code] = (await once(this.run(environment), 'exit')) as [number | null];
    return code;
  }

  /** Which agents were started, in their order. */
  async started(): Promise<string[]> {
    const text = await readFile(join(this.data, 'started'), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [, release = '', trial = ''] = /release=(\w*) trial=(\w*)/.exec(line) ?? [];
        return `${release === '' ? 'package' : release === OLD ? 'old' : 'new'}${trial === '' ? '' : ' on trial'}`;
      });
  }
}

async function newBoard(): Promise<Board> {
  const folder = await temporaryFolder();
  const board = new Board(folder);
  await mkdir(join(folder, 'package/bin'), { recursive: true });
  await mkdir(join(board.data, 'agent/versions'), { recursive: true });
  await copyFile(STARTER, join(folder, 'package/bin/wafer-agent'));
  await writeFile(join(folder, 'node'), NODE);
  await chmod(join(folder, 'node'), 0o755);
  await board.does('package', '');
  return board;
}

/** A board that runs OLD, and has NEW on trial. */
async function onTrial(does: string): Promise<Board> {
  const board = await newBoard();
  await board.does(OLD, '');
  await board.does(NEW, does);
  await board.link('current', OLD);
  await board.link('next', NEW);
  return board;
}

/** What an agent does that has reported. */
const KEEP = 'mv -T "$WAFER_AGENT_DATA/agent/next" "$WAFER_AGENT_DATA/agent/current"\n';
const HANG = "trap '' TERM\nwhile :; do sleep 0.1; done\n";

test('without links it runs the agent of its package, and ends as that does', async () => {
  const board = await newBoard();
  await board.does('package', 'exit 3');
  expect(await board.ran()).toBe(3);
  expect(await board.started()).toEqual(['package']);
});

test('it runs the release that is kept, and the package where that is gone', async () => {
  const board = await newBoard();
  await board.does(OLD, '');
  await board.link('current', OLD);
  expect(await board.ran()).toBe(0);
  const lost = await newBoard();
  await lost.link('current', OLD);
  expect(await lost.ran()).toBe(0);
  expect([await board.started(), await lost.started()]).toEqual([['old'], ['package']]);
});

test('a release on trial that reports is kept, and no one looks at its end any more', async () => {
  const board = await onTrial(`${KEEP}exit 4`);
  expect(await board.ran()).toBe(4);
  expect(await board.started()).toEqual(['new on trial']);
  expect(await board.linked('current')).toBe(NEW);
  expect(await board.note('failed')).toBe('');
});

test('one that ends before it has reported is given up, and the one before runs at once', async () => {
  const board = await onTrial('exit 7');
  expect(await board.ran()).toBe(0);
  expect(await board.started()).toEqual(['new on trial', 'old']);
  expect(await board.note('failed')).toBe(`${NEW} ended with 7\n`);
  expect(await board.linked('next')).toBeUndefined();
  expect(board.stderr).toContain('is given up');
});

test('one that never reports is ended, whatever it ignores', async () => {
  const board = await onTrial(HANG);
  expect(await board.ran({ WAFER_AGENT_TRIAL_SECONDS: '1' })).toBe(0);
  expect(await board.started()).toEqual(['new on trial', 'old']);
  expect(await board.note('failed')).toBe(`${NEW} silent\n`);
});

test('one that is cut off by the power three times is given up', async () => {
  const board = await onTrial(HANG);
  for (let boot = 1; boot <= 3; boot += 1) {
    const starter = board.run();
    await expect.poll(async () => (await board.started()).length).toBe(boot);
    const ended = once(starter, 'exit');
    starter.kill('SIGKILL');
    await ended;
  }
  expect(await board.ran()).toBe(0);
  expect((await board.started()).at(-1)).toBe('old');
  expect(await board.note('failed')).toMatch(/cut off 3 times/);
});

test('a link to what is not there is given up', async () => {
  const board = await newBoard();
  await board.link('next', NEW);
  expect(await board.ran()).toBe(0);
  expect(await board.started()).toEqual(['package']);
  await expect(lstat(join(board.data, 'agent/next'))).rejects.toThrow('ENOENT');
});

test('an agent that asks for it is started again by what the links say then', async () => {
  const board = await newBoard();
  await board.does(NEW, `${KEEP}exit 0`);
  await board.does('package', `ln -s versions/${NEW} "$WAFER_AGENT_DATA/agent/next"\nexit 85`);
  expect(await board.ran()).toBe(0);
  expect(await board.started()).toEqual(['package', 'new on trial']);
});

test('a disk that takes no notes does not make it try a bad release for ever', async () => {
  const board = await onTrial(
    'rm -rf "$WAFER_AGENT_DATA/agent/failed.new"; mkdir -p "$WAFER_AGENT_DATA/agent/failed.new/x"; exit 7',
  );
  expect(await board.ran()).toBe(0);
  expect(await board.started()).toEqual(['new on trial', 'old']);
});

test('SIGTERM is passed on, and the agent’s own end is told', async () => {
  const board = await newBoard();
  await board.does(
    'package',
    'trap \'exit 0\' TERM\n: >"$WAFER_AGENT_DATA/up"\nwhile :; do sleep 0.05; done\n',
  );
  const starter = board.run();
  await expect.poll(() => existsSync(join(board.data, 'up'))).toBe(true);
  const ended = once(starter, 'exit');
  starter.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('whatever ends the starter ends the agent', async () => {
  const board = await newBoard();
  await board.does(
    'package',
    'echo $$ >"$WAFER_AGENT_DATA/pid.new"; mv "$WAFER_AGENT_DATA/pid.new" "$WAFER_AGENT_DATA/pid"; while :; do sleep 0.05; done\n',
  );
  const starter = board.run();
  await expect.poll(() => existsSync(join(board.data, 'pid'))).toBe(true);
  const pid = (await readFile(join(board.data, 'pid'), 'utf8')).trim();
  starter.kill('SIGKILL');
  await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 5000 }).toBe(false);
});
