/** The descriptors that guests are given, called as the bindings call them, against a real file system. */
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  existsSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FilesystemGrant } from '@wafer/protocol';
import type { Descriptor } from '../../src/capabilities/descriptor.ts';
import { createFilesystem, type Filesystem } from '../../src/capabilities/filesystem.ts';
import { WitError } from '../../src/capabilities/host.ts';
import { quietHost } from '../capabilities/quiet-host.ts';

let folder: string;
let opened: Filesystem[];
/** What went on record: `kind subject`. */
let denials: string[];
let used: Set<string>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wafer-fs-'));
  opened = [];
  denials = [];
  used = new Set();
  for (const name of ['open/sub', 'closed', 'outside']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'open/note'), 'hello');
  writeFileSync(join(folder, 'closed/note'), 'read me only');
  writeFileSync(join(folder, 'outside/secret'), 'the secret');
});
afterEach(() => {
  for (const filesystem of opened) filesystem.close();
  rmSync(folder, { recursive: true, force: true });
});

function preopens(...grants: FilesystemGrant[]): Descriptor[] {
  const filesystem = createFilesystem(
    quietHost({
      grants: { filesystem: grants },
      report: ({ kind, subject }) => void denials.push(`${kind} ${subject}`),
      used: (grant) => void used.add(grant),
    }),
  );
  opened.push(filesystem);
  const { getDirectories } = filesystem.interfaces['wasi:filesystem/preopens'] as {
    readonly getDirectories: () => [Descriptor, string][];
  };
  return getDirectories().map(([descriptor]) => descriptor);
}

const writable = (): Descriptor =>
  preopens({ host: join(folder, 'open'), guest: '/open', access: 'write' })[0]!;
const readable = (): Descriptor =>
  preopens({ host: join(folder, 'closed'), guest: '/closed', access: 'read' })[0]!;

/** The error code that a call answers; fails when it answers none. */
function codeOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    if (error instanceof WitError) return error.payload;
    throw error;
  }
  throw new Error('it did not fail');
}

const textOf = (file: Descriptor): string => Buffer.from(file.read(1000n, 0n)[0]).toString();
const FOLLOW = { symlinkFollow: true };
const READ = { read: true };

describe('a path', () => {
  it('through links that stay beneath is followed', () => {
    symlinkSync('sub', join(folder, 'open/alias'));
    symlinkSync('../note', join(folder, 'open/sub/up'));
    expect(textOf(writable().openAt(FOLLOW, 'alias/up', {}, READ))).toBe('hello');
    expect(textOf(writable().openAt(FOLLOW, 'sub/../note', {}, READ))).toBe('hello');
  });

  it.each([
    '..',
    '../outside/secret',
    'sub/../../outside/secret',
    '/etc/passwd',
    'sub/../..',
    './../open/note',
  ])('%s does not lead out', (path) => {
    expect(codeOf(() => writable().openAt(FOLLOW, path, {}, READ))).toBe('not-permitted');
    expect(codeOf(() => writable().statAt(FOLLOW, path))).toBe('not-permitted');
    const subject = path.startsWith('/') ? path : `/open/${path}`;
    expect(denials).toEqual(Array(2).fill(`capability-denied filesystem ${subject}`));
  });

  it.each([
    ['a relative link', '../outside'],
    ['an absolute link', '/etc'],
    ['a link to the parent', '..'],
    ['a link to the root', '/'],
    ['a link to the open file itself', '/proc/self/fd'],
  ])('through %s does not lead out, as the last step or before it', (_, target) => {
    symlinkSync(target, join(folder, 'open/link'));
    expect(codeOf(() => writable().openAt(FOLLOW, 'link', {}, READ))).toBe('not-permitted');
    expect(codeOf(() => writable().openAt(FOLLOW, 'link/secret', {}, READ))).toBe('not-permitted');
    expect(codeOf(() => writable().openAt(FOLLOW, 'link/', {}, READ))).toBe('not-permitted');
    expect(codeOf(() => writable().openAt({}, 'link', {}, READ))).toBe('loop');
    expect(denials).toEqual(
      ['link', 'link/secret', 'link/'].map((path) => `capability-denied filesystem /open/${path}`),
    );
  });

  it('through a chain of links, each beneath, does not lead out at the end', () => {
    symlinkSync('b', join(folder, 'open/a'));
    symlinkSync('sub/c', join(folder, 'open/b'));
    symlinkSync('../../outside/secret', join(folder, 'open/sub/c'));
    expect(codeOf(() => writable().openAt(FOLLOW, 'a', {}, READ))).toBe('not-permitted');
  });

  it('through links in a circle ends', () => {
    symlinkSync('two', join(folder, 'open/one'));
    symlinkSync('one', join(folder, 'open/two'));
    expect(codeOf(() => writable().openAt(FOLLOW, 'one', {}, READ))).toBe('loop');
  });

  it('with a NUL, too long, or empty is an error', () => {
    expect(codeOf(() => writable().openAt(FOLLOW, 'no\0te', {}, READ))).toBe('invalid');
    expect(codeOf(() => writable().openAt(FOLLOW, 'x/'.repeat(3000), {}, READ))).toBe('name-too-long');
    expect(codeOf(() => writable().openAt(FOLLOW, '', {}, READ))).toBe('no-entry');
  });

  it('does not lead out when a folder is swapped for a link while it is held', () => {
    const root = writable();
    const sub = root.openAt({}, 'sub', { directory: true }, READ);
    renameSync(join(folder, 'open/sub'), join(folder, 'open/moved'));
    symlinkSync('../outside', join(folder, 'open/sub'));
    expect(codeOf(() => root.openAt(FOLLOW, 'sub/secret', {}, READ))).toBe('not-permitted');
    expect(codeOf(() => sub.openAt(FOLLOW, 'secret', {}, READ))).toBe('no-entry');
  });

  it('of a folder that was moved out does not lead to its new neighbours', () => {
    const sub = writable().openAt({}, 'sub', { directory: true }, READ);
    renameSync(join(folder, 'open/sub'), join(folder, 'outside/sub'));
    expect(codeOf(() => sub.openAt(FOLLOW, '../secret', {}, READ))).toBe('not-permitted');
  });
});

describe('a guest that may write', () => {
  it('creates, writes, appends, truncates, lists and removes', () => {
    const root = writable();
    root.createDirectoryAt('made');
    const file = root.openAt({}, 'made/file', { create: true, exclusive: true }, { read: true, write: true });
    expect(file.write(Buffer.from('0123456789'), 0n)).toBe(10n);
    file.setSize(4n);
    file.appendViaStream().blockingWriteAndFlush(Buffer.from('!'));
    const stream = file.writeViaStream(1n);
    stream.write(Buffer.from('ab'));
    stream.blockingWriteAndFlush(Buffer.from('c'));
    expect(readFileSync(join(folder, 'open/made/file'), 'utf8')).toBe('0abc!');
    expect(Buffer.from(file.readViaStream(1n).blockingRead(3n)).toString()).toBe('abc');
    expect(file.stat()).toMatchObject({ type: 'regular-file', size: 5n });
    const entries = root.openAt({}, 'made', { directory: true }, READ).readDirectory();
    expect(entries.readDirectoryEntry()).toEqual({ type: 'regular-file', name: 'file' });
    expect(entries.readDirectoryEntry()).toBeUndefined();
    root.renameAt('made/file', root, 'made/other');
    root.unlinkFileAt('made/other');
    root.removeDirectoryAt('made');
    expect(existsSync(join(folder, 'open/made'))).toBe(false);
  });

  it('reads past the end as the end', () => {
    const file = writable().openAt({}, 'note', {}, READ);
    expect(file.read(10n, 5n)).toEqual([new Uint8Array(), true]);
    expect(codeOf(() => file.readViaStream(5n).read(10n))).toEqual({ tag: 'closed' });
  });

  it('can not make a link that points out', () => {
    for (const target of ['../outside/secret', '/etc/passwd', 'sub/../../outside', '..']) {
      expect(codeOf(() => writable().symlinkAt(target, 'escape'))).toBe('not-permitted');
    }
    expect(codeOf(() => writable().symlinkAt('../../x', 'sub/escape'))).toBe('not-permitted');
    expect(denials).toHaveLength(5);
    expect(denials.at(-1)).toBe('capability-denied filesystem /open/sub/escape');
    writable().symlinkAt('../note', 'sub/fine');
    expect(writable().readlinkAt('sub/fine')).toBe('../note');
  });

  it('is not helped by moving its own link to where it points out', () => {
    const root = writable();
    root.createDirectoryAt('sub/deep');
    root.symlinkAt('../../outside/secret', 'sub/deep/link');
    root.renameAt('sub/deep/link', root, 'sub/link');
    expect(codeOf(() => root.openAt(FOLLOW, 'sub/link', {}, READ))).toBe('not-permitted');
    root.renameAt('sub/link', root, 'link');
    expect(codeOf(() => root.openAt(FOLLOW, 'link', {}, READ))).toBe('not-permitted');
  });

  it('can not rename or link across the edge of its grant', () => {
    const root = writable();
    expect(codeOf(() => root.renameAt('note', root, '../outside/note'))).toBe('not-permitted');
    expect(codeOf(() => root.renameAt('../outside/secret', root, 'mine'))).toBe('not-permitted');
    expect(codeOf(() => root.linkAt({}, '../outside/secret', root, 'mine'))).toBe('not-permitted');
    expect(codeOf(() => root.linkAt({}, 'note', root, '../outside/note'))).toBe('not-permitted');
    expect(denials.map((denial) => denial.split(' ').at(-1))).toEqual([
      '/open/../outside/note',
      '/open/../outside/secret',
      '/open/../outside/secret',
      '/open/../outside/note',
    ]);
  });

  it('can not hard-link what a link that leads out points to', () => {
    symlinkSync('../outside/secret', join(folder, 'open/link'));
    expect(codeOf(() => writable().linkAt(FOLLOW, 'link', writable(), 'mine'))).toBe('not-permitted');
    writable().linkAt({}, 'link', writable(), 'copy');
    expect(lstatSync(join(folder, 'open/copy')).isSymbolicLink()).toBe(true);
  });

  it('can not create or write through a link that leads out', () => {
    symlinkSync('../outside/new', join(folder, 'open/link'));
    const create = { create: true };
    expect(codeOf(() => writable().openAt(FOLLOW, 'link', create, { write: true }))).toBe('not-permitted');
    expect(codeOf(() => writable().openAt({}, 'link', create, { write: true }))).toBe('loop');
    expect(codeOf(() => writable().setTimesAt(FOLLOW, 'link', { tag: 'now' }, { tag: 'now' }))).toBe(
      'not-permitted',
    );
    expect(existsSync(join(folder, 'outside/new'))).toBe(false);
  });

  it('sets times, and keeps those that it does not change', () => {
    const at = { tag: 'timestamp', val: { seconds: 1000n, nanoseconds: 0 } } as const;
    writable().setTimesAt({}, 'note', { tag: 'no-change' }, at);
    expect(writable().statAt({}, 'note').dataModificationTimestamp).toEqual({
      seconds: 1000n,
      nanoseconds: 0,
    });
  });

  it('does not hang on a pipe', () => {
    execFileSync('/usr/bin/mkfifo', [join(folder, 'open/pipe')]);
    expect(codeOf(() => writable().openAt({}, 'pipe', {}, { write: true }))).toBe('no-such-device');
    expect(writable().openAt({}, 'pipe', {}, READ).getType()).toBe('fifo');
  });

  it('can not hold more files open than it may', () => {
    const root = writable();
    const held: Descriptor[] = [];
    const code = codeOf(() => {
      for (let count = 0; count < 1000; count += 1) held.push(root.openAt({}, 'note', {}, READ));
    });
    expect(code).toBe('quota');
    expect(held.length).toBeLessThan(64);
    for (const file of held) file[Symbol.dispose]();
    expect(textOf(root.openAt({}, 'note', {}, READ))).toBe('hello');
  });
});

describe('a read-only grant', () => {
  it('is read', () => {
    expect(textOf(readable().openAt(FOLLOW, 'note', {}, READ))).toBe('read me only');
    expect(readable().getFlags()).toEqual({ read: true, mutateDirectory: false });
  });

  const attempts: Record<string, (root: Descriptor) => unknown> = {
    'opening for writing': (root) => root.openAt({}, 'note', {}, { write: true }),
    'opening to change the folder': (root) => root.openAt({}, '.', {}, { mutateDirectory: true }),
    creating: (root) => root.openAt({}, 'new', { create: true }, READ),
    truncating: (root) => root.openAt({}, 'note', { truncate: true }, READ),
    'making a folder': (root) => root.createDirectoryAt('new'),
    'removing a folder': (root) => root.removeDirectoryAt('new'),
    unlinking: (root) => root.unlinkFileAt('note'),
    renaming: (root) => root.renameAt('note', root, 'other'),
    linking: (root) => root.linkAt({}, 'note', root, 'other'),
    symlinking: (root) => root.symlinkAt('note', 'other'),
    'setting times': (root) => root.setTimes({ tag: 'now' }, { tag: 'now' }),
    'setting times of a path': (root) => root.setTimesAt({}, 'note', { tag: 'now' }, { tag: 'now' }),
    'setting the size': (root) => root.openAt({}, 'note', {}, READ).setSize(0n),
    writing: (root) => root.openAt({}, 'note', {}, READ).write(Buffer.from('x'), 0n),
    'a stream to write to': (root) => root.openAt({}, 'note', {}, READ).writeViaStream(0n),
    'a stream to append to': (root) => root.openAt({}, 'note', {}, READ).appendViaStream(),
  };
  it.each(Object.entries(attempts))('refuses %s', (_, attempt) => {
    expect(codeOf(() => attempt(readable()))).toBe('read-only');
    expect(readFileSync(join(folder, 'closed/note'), 'utf8')).toBe('read me only');
    expect(denials).toHaveLength(1);
    expect(denials[0]).toMatch(/^capability-denied filesystem \/closed(\/note|\/new|\/other)?$/);
  });

  it('gives its files to no writable grant, by link or by rename', () => {
    const closed = readable();
    const open = writable();
    expect(codeOf(() => closed.linkAt({}, 'note', open, 'mine'))).toBe('read-only');
    expect(codeOf(() => closed.renameAt('note', open, 'mine'))).toBe('read-only');
    expect(codeOf(() => open.renameAt('note', closed, 'note'))).toBe('read-only');
    expect(codeOf(() => open.linkAt({}, 'note', closed, 'theirs'))).toBe('read-only');
    expect(denials.map((denial) => denial.split(' ').at(-1))).toEqual([
      '/closed/note',
      '/closed/note',
      '/closed/note',
      '/closed/theirs',
    ]);
    expect(readFileSync(join(folder, 'closed/note'), 'utf8')).toBe('read me only');
  });
});

describe('grants', () => {
  it('are in use once something of theirs is looked at, not because they are listed', () => {
    const [open, closed] = [writable(), readable()];
    for (const root of [open, closed]) root.getType();
    expect([...used]).toEqual([]);
    expect(codeOf(() => open.statAt({}, 'nowhere'))).toBe('no-entry');
    expect([...used]).toEqual([`filesystem ${join(folder, 'open')}`]);
    closed.readDirectory();
    expect(used.size).toBe(2);
    expect(denials).toEqual([]);
  });

  it('have paths of bounded length, however often a guest opens the same folder', () => {
    let at = writable();
    for (let time = 0; time < 200; time += 1) {
      const next = at.openAt({}, './'.repeat(1000), { directory: true }, READ);
      at[Symbol.dispose]();
      at = next;
    }
    expect(codeOf(() => at.openAt({}, '..', {}, READ))).toBe('not-permitted');
    expect(denials[0]!.length).toBeLessThan(400);
  });

  it('of a folder that the board does not have give nothing', () => {
    expect(preopens({ host: join(folder, 'nowhere'), guest: '/x', access: 'read' })).toEqual([]);
  });

  it('that a link leads to are refused, wherever the link is', () => {
    symlinkSync('outside', join(folder, 'link'));
    linkSync(join(folder, 'outside/secret'), join(folder, 'outside/other'));
    for (const path of ['link', 'link/secret']) {
      const open = () => preopens({ host: join(folder, path), guest: '/x', access: 'read' });
      expect(open).toThrow(/symbolic link/);
    }
  });

  it('of one file open that file and nothing beside it', () => {
    const [file] = preopens({ host: join(folder, 'open/note'), guest: '/note', access: 'read' });
    expect(textOf(file!)).toBe('hello');
    expect(textOf(file!.openAt(FOLLOW, '.', {}, READ))).toBe('hello');
    expect(file!.statAt(FOLLOW, '.')).toMatchObject({ type: 'regular-file' });
    expect(codeOf(() => file!.openAt({}, '.', {}, { write: true }))).toBe('read-only');
    expect(codeOf(() => file!.openAt({}, '../closed/note', {}, READ))).toBe('not-permitted');
    expect(codeOf(() => file!.openAt({}, 'note', {}, READ))).toBe('not-directory');
  });
  it('of one file for writing write that file', () => {
    const [file] = preopens({ host: join(folder, 'open/note'), guest: '/note', access: 'write' });
    file!.openAt({}, '.', {}, { write: true }).write(Buffer.from('J'), 0n);
    expect(readFileSync(join(folder, 'open/note'), 'utf8')).toBe('Jello');
  });
});
