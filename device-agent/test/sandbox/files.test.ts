/** Odd files, odd paths, and files that are kept or changed meanwhile. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { AppName, type Grants } from '@wafer/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { faultOf } from '../apps/harness.ts';
import { attack, SECRET, Stage, Yard, type Step } from './stage.ts';

let stage: Stage;
let yard: Yard;
beforeAll(() => {
  stage = new Stage();
});
afterAll(() => stage.close());
beforeEach(() => {
  yard = new Yard();
});
afterEach(() => yard.remove());

const FOLLOW = { symlinkFollow: true };
const READ = { read: true };
const open = (path: string, as?: string, flags: Record<string, boolean> = READ): Step => ({
  on: 'root',
  call: 'openAt',
  with: [FOLLOW, path, {}, flags],
  ...(as === undefined ? {} : { as }),
});
const readOf = (on: string): Step => ({ on, call: 'read', with: [1000, 0] });
const granting = (host: string, access: 'read' | 'write' = 'read'): Grants => ({
  filesystem: [{ host, guest: '/given', access }],
});

/** Files and folders of the yard that this process has open. */
const heldOf = (folder: string): string[] =>
  readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`);
      return path.startsWith(folder) ? [path] : [];
    } catch {
      return [];
    }
  });
/** Until no more than these are open. */
async function expectHeld(paths: readonly string[]): Promise<void> {
  await expect.poll(() => heldOf(yard.folder), { timeout: 5000 }).toEqual(paths);
}

attack('symlink swapped in by another process between check and use', async () => {
  symlinkSync('../outside', yard.path('inside/link'));
  mkdirSync(yard.path('inside/folder'));
  const app = await stage.enter({ grants: yard.grants, limits: { deadlineMs: 20_000 } });
  const raid = stage.steps(app, { ...open('flip/secret'), times: 3000, keeps: false });
  let flips = 0;
  // The guest runs in its isolate meanwhile; `flip` is a link out of the grant half of the time.
  for (const until = performance.now() + 1500; performance.now() < until; flips += 1) {
    renameSync(yard.path('inside/folder'), yard.path('inside/flip'));
    renameSync(yard.path('inside/flip'), yard.path('inside/folder'));
    renameSync(yard.path('inside/link'), yard.path('inside/flip'));
    renameSync(yard.path('inside/flip'), yard.path('inside/link'));
  }
  const [came] = await raid;
  expect(flips).toBeGreaterThan(1000);
  expect(came).toMatchObject({ ok: 0 });
  yard.expectUntouched(came);
  expect(stage.faultsOf(app)).toEqual(['capability-denied: filesystem /data/flip/secret']);
  return 'denied: filesystem /data/flip/secret';
});

attack('symlink swapped in by another process as the last step of a path', async () => {
  symlinkSync('../outside/secret', yard.path('inside/link'));
  const app = await stage.enter({ grants: yard.grants, limits: { deadlineMs: 20_000 } });
  const raid = stage.steps(app, { ...open('flip'), times: 3000 });
  let flips = 0;
  for (const until = performance.now() + 1500; performance.now() < until; flips += 1) {
    renameSync(yard.path('inside/link'), yard.path('inside/flip'));
    renameSync(yard.path('inside/flip'), yard.path('inside/link'));
  }
  const [came] = await raid;
  expect(flips).toBeGreaterThan(1000);
  // It is absent or leads out, so whatever was opened was the secret.
  expect(came).toMatchObject({ ok: 0 });
  yard.expectUntouched(came);
  expect(stage.faultsOf(app)).toEqual(['capability-denied: filesystem /data/flip']);
  return 'denied: filesystem /data/flip';
});

attack('folder moved out of the grant while it is held', async () => {
  const app = await stage.enter({ grants: yard.grants });
  await stage.steps(app, open('sub', 'held'));
  renameSync(yard.path('inside/sub'), yard.path('outside/sub'));
  const came = await stage.steps(app, {
    on: 'held',
    call: 'openAt',
    with: [FOLLOW, '../secret', {}, READ],
  });
  expect(came).toEqual([{ error: 'not-permitted' }]);
  expect(stage.faultsOf(app)).toEqual(['capability-denied: filesystem /data/sub/../secret']);
  return 'denied: filesystem /data/sub/../secret';
});

attack('processes in a granted /proc: memory, environment, root, open files', async () => {
  const app = await stage.enter({ grants: granting('/proc') });
  const paths = ['environ', 'mem', 'maps', 'root/etc/passwd', 'cwd', 'fd/0', 'task'].flatMap((name) => [
    `self/${name}`,
    `${process.pid}/${name}`,
    `thread-self/${name}`,
  ]);
  const came = await stage.steps(
    app,
    ...paths.map((path) => open(path)),
    open('self'),
    open(`${process.pid}`),
  );
  expect(came.map(({ error }) => error)).toEqual(came.map(() => 'not-permitted'));
  const [loadavg] = await stage.steps(app, open('loadavg'));
  expect(loadavg).toEqual({ ok: 'a handle' });
  expect(stage.faultsOf(app)).toContain('capability-denied: filesystem /given/self/environ');
  return 'denied: filesystem /given/self/environ';
});

attack('grant of a folder of a process', async () => {
  const host = `/proc/${process.pid}/task`;
  const fault = await faultOf(stage.enter({ grants: granting(host) }));
  expect(fault).toMatchObject({ kind: 'capability-denied', subject: `filesystem ${host}` });
  return `denied: ${fault.subject}`;
});

attack('grant that leads through a symlink', async () => {
  symlinkSync('../outside', yard.path('inside/link'));
  const host = yard.path('inside/link');
  for (const path of [host, `${host}/secret`]) {
    const fault = await faultOf(stage.enter({ grants: granting(path) }));
    expect(fault).toMatchObject({ kind: 'capability-denied', subject: `filesystem ${path}` });
  }
  return 'denied: filesystem, with the path of the grant';
});

attack('granted file, and what lies beside it', async () => {
  const app = await stage.enter({ grants: granting(yard.path('closed/note')) });
  const came = await stage.steps(
    app,
    open('../outside/secret'),
    open('.', undefined, { write: true }),
    open('secret'),
  );
  expect(came.map(({ error }) => error)).toEqual(['not-permitted', 'read-only', 'not-directory']);
  yard.expectUntouched(came);
  expect(stage.faultsOf(app)).toEqual([
    'capability-denied: filesystem /given/../outside/secret',
    'capability-denied: filesystem /given',
  ]);
  return 'denied: filesystem /given/../outside/secret';
});

attack('NUL in a path', async () => {
  const app = await stage.enter({ grants: yard.grants });
  const came = await stage.steps(app, open('note\0/../../outside/secret'), open('\0../outside/secret'));
  expect(came).toEqual([{ error: 'invalid' }, { error: 'invalid' }]);
  return 'answered: invalid';
});

attack('path of more than 4,096 bytes, and one through 1,000 folders', async () => {
  const app = await stage.enter({ grants: yard.grants });
  const came = await stage.steps(
    app,
    open(`${'x'.repeat(4097)}/../../outside/secret`),
    open(`${'sub/../'.repeat(580)}../outside/secret`),
  );
  expect(came).toEqual([{ error: 'name-too-long' }, { error: 'not-permitted' }]);
  return 'answered: name-too-long';
});

attack('symlinks in a circle', async () => {
  symlinkSync('two', yard.path('inside/one'));
  symlinkSync('one', yard.path('inside/two'));
  const app = await stage.enter({ grants: yard.grants });
  expect(await stage.steps(app, open('one'), open('two/x'))).toEqual([{ error: 'loop' }, { error: 'loop' }]);
  return 'answered: loop';
});

attack('pipe that nobody writes to or reads from', async () => {
  execFileSync('mkfifo', [yard.path('inside/pipe')]);
  const app = await stage.enter({ grants: yard.grants });
  const came = await stage.steps(
    app,
    open('pipe', undefined, { write: true }),
    open('pipe', 'pipe'),
    readOf('pipe'),
    open('pipe', 'both', { read: true, write: true }),
    readOf('both'),
    { on: 'both', call: 'write', with: [{ bytes: 'x', times: 65_536 }, 0] },
    { on: 'both', call: 'write', with: [{ bytes: 'x', times: 65_536 }, 0] },
  );
  expect(came[0]).toEqual({ error: 'no-such-device' });
  expect(came[2]).toEqual({ ok: ['', true] });
  expect(came[4]).toEqual({ error: 'would-block' });
  expect(came[6]).toEqual({ error: 'would-block' });
  return 'answered: would-block';
});

attack('device that never ends', async () => {
  const app = await stage.enter({ grants: granting('/dev/zero'), limits: { deadlineMs: 300 } });
  const before = process.memoryUsage().rss;
  const reading = stage.steps(app, { ...readOf('root'), with: [65_536, 0], times: 1e9, keeps: false });
  const fault = await faultOf(reading);
  expect(fault).toMatchObject({ kind: 'deadline', subject: '300 ms' });
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
  return 'deadline: 300 ms';
});

attack('folder with 100,000 entries', async () => {
  const folder = yard.path('inside/many');
  mkdirSync(folder);
  execFileSync('sh', ['-c', 'seq 100000 | xargs touch'], { cwd: folder });
  const app = await stage.enter({ grants: yard.grants, limits: { deadlineMs: 10_000 } });
  await stage.steps(app, open('note'));
  const before = process.memoryUsage().rss;
  const [, , listed] = await stage.steps(
    app,
    open('many', 'many'),
    { on: 'many', call: 'readDirectory', as: 'list' },
    { on: 'list', call: 'readDirectoryEntry', times: 100_000, keeps: false },
  );
  expect(listed).toEqual({ ok: 100_000 });
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  rmSync(folder, { recursive: true });
  return 'entries are handed out one by one: the host holds none';
});

attack('files and folders that the guest never closes', async () => {
  const app = await stage.enter({ grants: yard.grants });
  const [files] = await stage.steps(app, { ...open('note'), times: 500 });
  expect(files!.error).toBe('quota');
  expect(files!.ok).toBeLessThanOrEqual(64);
  expect(heldOf(yard.folder).length).toBeGreaterThan(50);
  expect(heldOf(yard.folder).length).toBeLessThanOrEqual(64);
  await stage.runtime.stop(AppName.parse(app));
  await expectHeld([]);
  return `quota: ${String(files!.ok)} at a time, and none once it is gone`;
});

attack('files that are open when the guest traps, and when its isolate is ended', async () => {
  const app = await stage.enter({ grants: yard.grants, limits: { deadlineMs: 300 } });
  const roots = heldOf(yard.folder);
  expect(roots).toHaveLength(2);
  const leak: Step[] = [
    { ...open('note'), times: 30 },
    { on: 'root', call: 'readDirectory', as: 'list' },
  ];
  const trapping = stage.steps(app, ...leak, { on: 'exit', call: 'exit', with: [{ tag: 'err' }] });
  expect(await faultOf(trapping)).toMatchObject({ kind: 'trap', subject: 'exit 1' });
  await expectHeld(roots);
  const spinning = stage.steps(app, ...leak, { ...open('note'), times: 1e9, keeps: false });
  expect(await faultOf(spinning)).toMatchObject({ kind: 'deadline' });
  await expectHeld(roots);
  return 'closed with the instance';
});

attack('file of another guest, with the handle of one', async () => {
  const [mine, other] = [await stage.enter({ grants: yard.grants }), await stage.enter()];
  await stage.steps(mine, open('note', 'file'));
  const came = await stage.steps(other, readOf('file'), readOf('root'));
  expect(came.map(({ ok }) => ok)).toEqual([undefined, undefined]);
  expect(JSON.stringify(came)).not.toContain(SECRET);
  return 'no handle of it';
});
