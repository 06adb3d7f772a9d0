/** What a guest sees of the board: nothing that was not granted. The guest is a real component. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LogBudget } from '../../src/apps/log-budget.ts';
import { createCli } from '../../src/capabilities/cli.ts';
import type { OutputStream } from '../../src/capabilities/io.ts';
import { quietHost } from '../capabilities/quiet-host.ts';
import { Board, faultOf, PUPPET, TALK } from './harness.ts';

let board: Board;
beforeAll(async () => {
  process.env['WAFER_SECRET'] = 'of the host';
  board = new Board();
  await board.prepare();
}, 60_000);
afterAll(() => board.close());
beforeEach(async () => {
  await board.runtime.stop(PUPPET);
  board.forget();
});

describe('a guest with the least grants', () => {
  beforeEach(() => board.install({ grants: { messaging: TALK.messaging } }));

  it('sees no environment, no arguments and no working directory of the host', async () => {
    expect(await board.ask('environment')).toEqual({ environment: [], arguments: [], cwd: null });
  });

  it('finds standard input at its end and no terminal', async () => {
    expect(await board.ask('stdin')).toEqual({ error: { tag: 'closed' } });
    expect(await board.ask('terminal')).toBe(true);
  });

  it('finds no folder', async () => {
    expect(await board.ask('directories')).toEqual([]);
  });

  it.each([
    ['wall-only', 'wasi:clocks/wall-clock#now'],
    ['random-only', 'wasi:random/random#get-random-bytes'],
    ['network', 'wasi:sockets/instance-network#instance-network'],
    ['socket', 'wasi:sockets/tcp-create-socket#create-tcp-socket'],
  ])('is denied %s by name, and told on', async (action, subject) => {
    const fault = await faultOf(board.deliver(action));
    expect(fault).toMatchObject({ kind: 'capability-denied', subject });
    expect(fault.message).toContain(subject.split('#')[0]);
    expect(board.told.faults).toEqual([
      {
        app: 'puppet',
        version: '1.0.0',
        fault: expect.objectContaining({ kind: 'capability-denied', subject }),
        count: 1,
      },
    ]);
  });

  it('ends only itself when it exits', async () => {
    expect(await faultOf(board.deliver('exit', { status: 'err' }))).toMatchObject({
      kind: 'trap',
      subject: 'exit 1',
    });
    expect(await board.ask('count')).toMatchObject({ count: 1 });
  });
});

describe('a guest with grants', () => {
  it('sees the environment and the arguments that it was granted, and still no directory', async () => {
    await board.install({ grants: { ...TALK, environment: { REGION: 'eu' }, arguments: ['a', 'b'] } });
    expect(await board.ask('environment')).toEqual({
      environment: [['REGION', 'eu']],
      arguments: ['a', 'b'],
      cwd: null,
    });
  });

  it('reads clocks and randomness', async () => {
    await board.install();
    const { wall } = (await board.ask('clock')) as { wall: string };
    expect(Math.abs(Number(wall) - Date.now() / 1000)).toBeLessThan(60);
    expect(await board.ask('random')).toMatchObject({ bytes: 16 });
  });

  it('is put to sleep and awakes', async () => {
    await board.install();
    await board.deliver('sleep', { ms: 20 });
    expect(await board.ask('count')).toMatchObject({ count: 1 });
  });

  it('has its configuration, and nothing of the prototype of objects', async () => {
    await board.install({ config: { release: 'one' } });
    expect(await board.ask('count')).toEqual({ count: 1, release: 'one' });
  });
});

describe('messages', () => {
  it('go out on topics that a grant covers', async () => {
    await board.install();
    expect(await board.ask('publish', { topic: 'out/elsewhere' })).toEqual({ ok: null });
    expect(board.told.published.map(({ topic }) => topic)).toContain('out/elsewhere');
  });

  it.each(['secret/topic', 'outside', '#', 'out/+', 'out/#', ''])(
    'are refused on "%s", to the guest and on record',
    async (topic) => {
      await board.install();
      const answer = (await board.ask('publish', { topic })) as { error: { tag: string } };
      expect(['permission-denied', 'other']).toContain(answer.error.tag);
      expect(board.told.published.map((one) => one.topic)).not.toContain(topic);
    },
  );

  it.each(['$board', '$board/open', '$SYS/broker', '$', '$boards/x'])(
    'on "%s" go nowhere without a grant of their own',
    async (topic) => {
      await board.install({ grants: { messaging: { publish: ['#', '+/x'], subscribe: ['do/#'] } } });
      expect(await board.ask('publish', { topic })).toMatchObject({ error: { tag: 'permission-denied' } });
      expect(board.told.faults).toMatchObject([{ fault: { subject: `messaging.publish ${topic}` } }]);
      expect(board.told.published.map((one) => one.topic)).toEqual(['out/publish']);
    },
  );

  it('on "$board" go nowhere with the grant for what is beneath it', async () => {
    await board.install({ grants: { messaging: { publish: ['$board/#', 'out/#'], subscribe: ['do/#'] } } });
    expect(await board.ask('publish', { topic: '$board' })).toMatchObject({
      error: { tag: 'permission-denied' },
    });
    expect(board.told.published.map((one) => one.topic)).toEqual(['out/publish']);
  });

  it('come in only on topics that a grant covers', async () => {
    await board.install();
    const fault = await faultOf(board.runtime.deliver(PUPPET, 'other/count', new Uint8Array()));
    expect(fault).toMatchObject({ kind: 'capability-denied', subject: 'messaging.subscribe other/count' });
  });

  it('flooding from one call are cut off', async () => {
    await board.install({ limits: { deadlineMs: 20_000 } });
    await board.deliver('flood', { times: 2000 });
    const items = board.told.published.filter(({ topic }) => topic === 'out/flood-item');
    expect(items.length).toBeLessThanOrEqual(256);
    expect(board.told.lines.at(-1)?.text).toContain('too many messages in one call');
  });

  it('can come by the thousand without the host keeping any', async () => {
    await board.install();
    for (let time = 1; time <= 1000; time += 1) {
      expect(await board.ask('count')).toMatchObject({ count: time });
    }
  });
});

describe('files', () => {
  const inside = (access: 'read' | 'write') => {
    const root = join(board.folder, `files-${access}-${Math.random().toString(36).slice(2)}`);
    mkdirSync(join(root, 'sub'), { recursive: true });
    writeFileSync(join(root, 'note'), 'hello');
    writeFileSync(join(board.folder, 'secret'), 'the secret');
    return root;
  };

  it('are read through a grant, as they are', async () => {
    const host = inside('read');
    await board.install({ grants: { ...TALK, filesystem: [{ host, guest: '/data', access: 'read' }] } });
    expect(await board.ask('directories')).toEqual([['/data', 'directory']]);
    expect(await board.ask('read', { path: 'note' })).toEqual({ ok: 'hello' });
  });

  it('are not written through a read-only grant', async () => {
    const host = inside('read');
    await board.install({ grants: { ...TALK, filesystem: [{ host, guest: '/data', access: 'read' }] } });
    expect(await board.ask('write', { path: 'note', text: 'changed' })).toEqual({ error: 'read-only' });
    expect(await board.ask('symlink', { target: 'note', path: 'link' })).toEqual({ error: 'read-only' });
    expect(readFileSync(join(host, 'note'), 'utf8')).toBe('hello');
  });

  it('outside are not reached by .., by an absolute path or by a link that leads out', async () => {
    const host = inside('read');
    symlinkSync('../secret', join(host, 'out'));
    symlinkSync('/etc/hostname', join(host, 'absolute'));
    await board.install({ grants: { ...TALK, filesystem: [{ host, guest: '/data', access: 'read' }] } });
    const paths = ['../secret', 'sub/../../secret', '/etc/hostname', 'out', 'absolute', 'sub/../out'];
    const answers = [];
    for (const path of paths) answers.push(await board.ask('read', { path }));
    expect(answers).toEqual(paths.map(() => ({ error: 'not-permitted' })));
    expect(board.told.faults.map(({ fault }) => `${fault.kind} ${fault.subject}`)).toEqual(
      paths.map((path) => `capability-denied filesystem ${path.startsWith('/') ? path : `/data/${path}`}`),
    );
  });

  it('outside are not reached by a relative link that the guest makes itself', async () => {
    const host = inside('write');
    await board.install({ grants: { ...TALK, filesystem: [{ host, guest: '/data', access: 'write' }] } });
    expect(await board.ask('symlink', { target: '../secret', path: 'escape' })).toEqual({
      error: 'not-permitted',
    });
    expect(await board.ask('symlink', { target: '../note', path: 'sub/up' })).toEqual({ ok: null });
    expect(await board.ask('read', { path: 'sub/up' })).toEqual({ ok: 'hello' });
    expect(await board.ask('read-at', { folder: 'sub', path: 'up' })).toEqual({ error: 'not-permitted' });
  });

  it('can be granted one by one', async () => {
    const host = join(inside('read'), 'note');
    await board.install({ grants: { ...TALK, filesystem: [{ host, guest: '/note', access: 'read' }] } });
    expect(await board.ask('directories')).toEqual([['/note', 'regular-file']]);
  });

  it('that a grant names through a symbolic link are not opened', async () => {
    const host = inside('read');
    symlinkSync('/etc', join(host, 'etc'));
    const grants = {
      ...TALK,
      filesystem: [{ host: join(host, 'etc'), guest: '/x', access: 'read' as const }],
    };
    expect(await faultOf(board.install({ grants }))).toMatchObject({ kind: 'capability-denied' });
  });
});

describe('output', () => {
  it('becomes log lines', async () => {
    await board.install();
    await board.deliver('stdout', { lines: 2, text: 'good day\n' });
    await board.deliver('log', { level: 'error', text: 'oh' });
    expect(board.told.lines).toEqual([
      { app: 'puppet', level: 'info', text: 'good day' },
      { app: 'puppet', level: 'info', text: 'good day' },
      { app: 'puppet', level: 'error', text: 'puppet: oh' },
    ]);
  });

  it('over the budget is counted and let go, and starting again does not renew the budget', async () => {
    await board.install({ app: 'chatty', limits: { logBytesPerMinute: 100, deadlineMs: 20_000 } });
    const say = (lines: number) =>
      board.deliver('stdout', { lines, text: 'twenty characters...\n' }, 'chatty');
    await say(5000);
    expect(board.told.lines).toHaveLength(4);
    expect(board.told.dropped).toBe(4996);
    await faultOf(board.deliver('exit', { status: 'ok' }, 'chatty'));
    await say(10);
    expect(board.told.lines).toHaveLength(4);
    expect(board.told.dropped).toBe(5006);
  });

  it('of a gigabyte costs neither memory nor a log', () => {
    const budget = new LogBudget(65_536);
    let logged = 0;
    const log = (_: unknown, text: string): void => {
      if (budget.admits(text, 0)) logged += text.length;
    };
    const cli = createCli(quietHost({ log }));
    const { getStdout } = cli.interfaces['wasi:cli/stdout'] as { readonly getStdout: () => OutputStream };
    const chunk = new Uint8Array(1024 * 1024).fill(0x61);
    const before = process.memoryUsage().rss;
    for (let written = 0; written < 1024; written += 1) getStdout().blockingWriteAndFlush(chunk);
    expect(logged).toBeGreaterThan(60_000);
    expect(logged).toBeLessThanOrEqual(65_536);
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
  });
});
