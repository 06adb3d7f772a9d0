/** Ways out of a granted folder, and through one that is for reading only. */
import { symlinkSync } from 'node:fs';
import { afterAll, beforeAll, expect } from 'vitest';
import { attack, Stage, Yard, type Came, type Step } from './stage.ts';

let stage: Stage;
beforeAll(() => {
  stage = new Stage();
});
afterAll(() => stage.close());

const FOLLOW = { symlinkFollow: true };
const READ = { read: true };
const WRITE = { write: true };
const open = (path: string, flags: Record<string, boolean> = READ, how = {}): Step => ({
  on: 'root',
  call: 'openAt',
  with: [FOLLOW, path, how, flags],
});
const on = (call: string, ...given: NonNullable<Step['with']>): Step => ({ on: 'root', call, with: given });
const ROOT = { handle: 'root' };
const NOW = { tag: 'now' };

interface Escape {
  readonly prepare?: (yard: Yard) => void;
  readonly steps: readonly Step[];
  /** What each step is answered; a step that must go well has none. */
  readonly errors: readonly (string | undefined)[];
  /** Path of the first denied use, as it is reported. */
  readonly denied: string;
}

const errorsOf = (came: readonly Came[]) => came.map(({ error }) => error);

async function escape({ prepare, steps, errors, denied }: Escape): Promise<string> {
  const yard = new Yard();
  try {
    prepare?.(yard);
    const app = await stage.enter({ grants: yard.grants });
    const came = await stage.steps(app, ...steps);
    expect(errorsOf(came)).toEqual(errors);
    yard.expectUntouched(came);
    expect(stage.faultsOf(app)).toContain(`capability-denied: filesystem ${denied}`);
    return `denied: filesystem ${denied}`;
  } finally {
    yard.remove();
  }
}

/** Every step leads out. */
const out = (denied: string, steps: readonly Step[], prepare?: (yard: Yard) => void): Escape => ({
  steps,
  errors: steps.map(() => 'not-permitted'),
  denied,
  ...(prepare === undefined ? {} : { prepare }),
});

const link = (target: string, name: string) => (yard: Yard) =>
  symlinkSync(target, yard.path(`inside/${name}`));
const linkToSecret = (name: string) => (yard: Yard) =>
  symlinkSync(yard.path('outside/secret'), yard.path(`inside/${name}`));

const ESCAPES: Readonly<Record<string, Escape>> = {
  '.. out of a granted folder': out('/data/../outside/secret', [open('../outside/secret'), open('..')]),
  '.. in the middle of a path': out('/data/sub/../../outside/secret', [
    open('sub/../../outside/secret'),
    open('sub/.././../closed/note'),
  ]),
  'slashes at the end and in a row': out('/data/..//outside/secret/', [
    open('..//outside/secret/'),
    open('sub/..//..//outside/'),
    open('.//..//'),
  ]),
  'absolute path': out('/etc/passwd', [open('/etc/passwd'), open('//etc/passwd'), open('/')]),
  'symlink out of a granted folder, relative': out(
    '/data/door',
    [open('door'), open('door/'), on('statAt', FOLLOW, 'door')],
    link('../outside/secret', 'door'),
  ),
  'symlink out of a granted folder, absolute': out('/data/door', [open('door')], linkToSecret('door')),
  'symlink to a folder outside, and a path through it': out(
    '/data/door/secret',
    [open('door/secret'), open('door/dir/../secret'), open('sub/../door/secret')],
    link('../outside', 'door'),
  ),
  'chain of symlinks, each beneath but the last': out('/data/a', [open('a')], (yard) => {
    link('b', 'a')(yard);
    link('sub/c', 'b')(yard);
    link('../../outside/secret', 'sub/c')(yard);
  }),
  'symlink that the guest makes': out('/data/escape', [
    on('symlinkAt', '../outside/secret', 'escape'),
    on('symlinkAt', 'sub/../../outside', 'escape'),
    on('symlinkAt', '/etc/passwd', 'escape'),
  ]),
  'symlink that the guest makes and moves to where it leads out': {
    steps: [
      on('createDirectoryAt', 'sub/deep'),
      on('symlinkAt', '../../outside/secret', 'sub/deep/link'),
      on('renameAt', 'sub/deep/link', ROOT, 'sub/link'),
      open('sub/link'),
      on('renameAt', 'sub/link', ROOT, 'link'),
      open('link'),
    ],
    errors: [undefined, undefined, undefined, 'not-permitted', undefined, 'not-permitted'],
    denied: '/data/sub/link',
  },
  'rename of a file out of a granted folder': out('/data/../outside/planted', [
    on('renameAt', 'note', ROOT, '../outside/planted'),
    on('renameAt', 'note', ROOT, '/tmp/planted'),
  ]),
  'rename of a file outside into a granted folder': out('/data/../outside/secret', [
    on('renameAt', '../outside/secret', ROOT, 'mine'),
  ]),
  'hard link to a file outside': out(
    '/data/../outside/secret',
    [
      on('linkAt', {}, '../outside/secret', ROOT, 'mine'),
      on('linkAt', FOLLOW, 'door', ROOT, 'mine'),
      on('linkAt', FOLLOW, 'sub/../door', ROOT, 'mine'),
    ],
    linkToSecret('door'),
  ),
  'hard link out of a granted folder': out('/data/../outside/planted', [
    on('linkAt', {}, 'note', ROOT, '../outside/planted'),
  ]),
  'hard link from a read-only grant into a writable one': {
    steps: [
      { on: 'root1', call: 'linkAt', with: [{}, 'note', ROOT, 'mine'] },
      { on: 'root1', call: 'renameAt', with: ['note', ROOT, 'mine'] },
      on('linkAt', {}, 'note', { handle: 'root1' }, 'theirs'),
      on('renameAt', 'note', { handle: 'root1' }, 'note'),
      open('mine'),
    ],
    errors: ['read-only', 'read-only', 'read-only', 'read-only', 'no-entry'],
    denied: '/only/note',
  },
  'creating, truncating and touching through a symlink that leads out': out(
    '/data/door',
    [
      open('door', WRITE, { create: true }),
      open('door', WRITE, { truncate: true }),
      on('setTimesAt', FOLLOW, 'door', NOW, NOW),
      open('dirdoor/new', WRITE, { create: true, exclusive: true }),
      on('createDirectoryAt', 'dirdoor/new'),
      on('unlinkFileAt', 'dirdoor/secret'),
      on('removeDirectoryAt', 'dirdoor/dir'),
    ],
    (yard) => {
      linkToSecret('door')(yard);
      link('../outside', 'dirdoor')(yard);
    },
  ),
  'making and removing folders outside': out('/data/../outside/new', [
    on('createDirectoryAt', '../outside/new'),
    on('removeDirectoryAt', '../outside/dir'),
    on('unlinkFileAt', '../outside/secret'),
    on('symlinkAt', 'x', '../outside/link'),
  ]),
  'reading where a link outside leads, and where an absolute one does': out(
    '/data/../outside/secret',
    [on('readlinkAt', '../outside/secret'), on('readlinkAt', 'door')],
    linkToSecret('door'),
  ),
};
for (const [name, parts] of Object.entries(ESCAPES)) attack(name, () => escape(parts));

const THROUGH_READ_ONLY: Readonly<Record<string, Omit<Step, 'on'>>> = {
  'open to write': { call: 'openAt', with: [FOLLOW, 'note', {}, WRITE] },
  'open to change the folder': { call: 'openAt', with: [{}, 'sub', {}, { mutateDirectory: true }] },
  create: { call: 'openAt', with: [{}, 'new', { create: true }, READ] },
  'truncate with a flag of open': { call: 'openAt', with: [{}, 'note', { truncate: true }, READ] },
  'set times': { call: 'setTimesAt', with: [{}, 'note', NOW, NOW] },
  'set times of the folder': { call: 'setTimes', with: [NOW, NOW] },
  'make a folder': { call: 'createDirectoryAt', with: ['new'] },
  'remove a folder': { call: 'removeDirectoryAt', with: ['sub'] },
  unlink: { call: 'unlinkFileAt', with: ['note'] },
  rename: { call: 'renameAt', with: ['note', { handle: 'root1' }, 'other'] },
  link: { call: 'linkAt', with: [{}, 'note', { handle: 'root1' }, 'other'] },
  symlink: { call: 'symlinkAt', with: ['note', 'other'] },
};
for (const [name, step] of Object.entries(THROUGH_READ_ONLY)) {
  attack(`write through a read-only grant: ${name}`, async () => {
    const yard = new Yard();
    try {
      const app = await stage.enter({ grants: yard.grants });
      const came = await stage.steps(app, { on: 'root1', ...step });
      expect(errorsOf(came)).toEqual(['read-only']);
      yard.expectUntouched(came);
      const [fault] = stage.faultsOf(app);
      expect(fault).toMatch(/^capability-denied: filesystem \/only(\/(note|new|other|sub))?$/);
      return `denied: ${fault!.split(': ')[1]}`;
    } finally {
      yard.remove();
    }
  });
}

attack('write through a read-only grant: with a handle that was opened for reading', async () => {
  const yard = new Yard();
  try {
    const app = await stage.enter({ grants: yard.grants });
    const came = await stage.steps(
      app,
      { on: 'root1', call: 'openAt', with: [{}, 'note', {}, READ], as: 'file' },
      { on: 'file', call: 'write', with: [{ bytes: 'x' }, 0] },
      { on: 'file', call: 'writeViaStream', with: [0] },
      { on: 'file', call: 'appendViaStream' },
      { on: 'file', call: 'setSize', with: [0] },
      { on: 'file', call: 'setTimes', with: [NOW, NOW] },
    );
    expect(errorsOf(came)).toEqual([undefined, ...Array.from({ length: 5 }, () => 'read-only')]);
    yard.expectUntouched(came);
    expect(stage.faultsOf(app)).toEqual(['capability-denied: filesystem /only/note']);
    return 'denied: filesystem /only/note';
  } finally {
    yard.remove();
  }
});
