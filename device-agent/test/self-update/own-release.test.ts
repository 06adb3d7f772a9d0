import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Digest, Limits, type SwapFigures } from '@wafer/protocol';
import { expect, test } from 'vitest';
import type { AppSpec, Prepared } from '../../src/apps/runtime.ts';
import { OwnRelease, startOf, type Start } from '../../src/self-update/own-release.ts';
import { withOwnRelease } from '../../src/self-update/runtime.ts';
import { temporaryFolder } from '../folder.ts';
import { bundleOf } from '../package/bundles.ts';
import { FakeRuntime } from '../state/fake-runtime.ts';

const OTHER = Digest.parse('0'.repeat(64));
const digestOf = (bytes: Buffer): Digest => Digest.parse(createHash('sha256').update(bytes).digest('hex'));

class Agent {
  left = 0;
  now = 0;
  readonly data: string;
  readonly own: OwnRelease;

  private constructor(data: string, own: (agent: Agent) => OwnRelease) {
    this.data = data;
    this.own = own(this);
  }

  static async boot(data: string, start: Start | undefined, version = '1.0.0'): Promise<Agent> {
    const hooks = { leave: () => {}, now: () => 0 };
    const own = await OwnRelease.open({
      dataFolder: data,
      start,
      version,
      leave: () => hooks.leave(),
      now: () => hooks.now(),
    });
    const agent = new Agent(data, () => own);
    hooks.leave = () => (agent.left += 1);
    hooks.now = () => agent.now;
    return agent;
  }

  swap(
    digest: Digest,
    prepared: Prepared,
    cause: NonNullable<SwapFigures['cause']> = 'release',
    version = '2.0.0',
  ) {
    const spec = { app: 'wafer-agent', version, digest } as unknown as AppSpec;
    return this.own.swap(spec, prepared, () => {}, cause);
  }

  link = (name: string): Promise<string | undefined> =>
    readlink(join(this.data, 'agent', name)).then(basename, () => undefined);
}

const PACKAGE: Start = { release: undefined, isTrial: false };
const bundle = bundleOf();
const digest = digestOf(bundle);

test('a release is unpacked whole, linked for a trial, and the agent leaves for it', async () => {
  const agent = await Agent.boot(await temporaryFolder(), PACKAGE);
  const prepared = await agent.own.prepare(digest, bundle);
  expect(await readFile(join(prepared.folder, 'lib/agent.cjs'), 'utf8')).toBe('// agent');
  void agent.swap(digest, prepared);
  await expect.poll(() => agent.left).toBe(1);
  expect([await agent.link('next'), await agent.link('current')]).toEqual([digest, undefined]);
});

test('the release on trial is kept once the server has acknowledged a report, and not before', async () => {
  const data = await temporaryFolder();
  const before = await Agent.boot(data, PACKAGE);
  void before.swap(digest, await before.own.prepare(digest, bundle));
  await expect.poll(() => before.left).toBe(1);
  const agent = await Agent.boot(data, { release: digest, isTrial: true });
  const prepared = await agent.own.prepare(digest, bundle);
  let figures: SwapFigures | undefined;
  const swapped = agent.swap(digest, prepared).then((found) => (figures = found));
  await agent.own.tick();
  expect([figures, await agent.link('current')]).toEqual([undefined, undefined]);
  agent.own.acknowledged();
  await swapped;
  expect(figures).toMatchObject({ lostCalls: 0 });
  expect([await agent.link('next'), await agent.link('current'), agent.left]).toEqual([undefined, digest, 0]);
});

test.each([
  ['ended with 7', 'trap'],
  ['silent', 'probe-failed'],
  ['it was cut off 3 times', 'crash-loop'],
  ['it is not there', 'disk'],
])('a release that was given up because of "%s" is a %s fault, once', async (why, kind) => {
  const agent = await Agent.boot(await temporaryFolder(), PACKAGE);
  const prepared = await agent.own.prepare(digest, bundle);
  await writeFile(join(agent.data, 'agent/failed'), `${digest} ${why}\n`);
  await expect(agent.swap(digest, prepared)).rejects.toMatchObject({ fault: { kind } });
  // Ordered again, it is tried again.
  void agent.swap(digest, prepared);
  await expect.poll(() => agent.left).toBe(1);
});

test('on trial, what was installed before counts as served, so that the order is carried on', async () => {
  const agent = await Agent.boot(await temporaryFolder(), { release: digest, isTrial: true });
  const other = { digest: OTHER, folder: '', prepareMs: 0 };
  expect(await agent.swap(OTHER, other, 'start', '1.0.0')).toMatchObject({ lostCalls: 0 });
  expect(agent.left).toBe(0);
});

test('what is installed but does not run is gone back to without a trial, which would need a network', async () => {
  const agent = await Agent.boot(await temporaryFolder(), { release: OTHER, isTrial: false });
  void agent.swap(digest, await agent.own.prepare(digest, bundle), 'start');
  await expect.poll(() => agent.left).toBe(1);
  expect([await agent.link('next'), await agent.link('current')]).toEqual([undefined, digest]);
});

test("a package that is newer than what is installed is the owner's word", async () => {
  const agent = await Agent.boot(await temporaryFolder(), PACKAGE, '2.1.0');
  const prepared = await agent.own.prepare(digest, bundle);
  await expect(agent.swap(digest, prepared, 'start')).rejects.toMatchObject({ fault: { kind: 'policy' } });
});

test('stopped, it gives way to the package; stopped and started again, it does not', async () => {
  const data = await temporaryFolder();
  const agent = await Agent.boot(data, { release: digest, isTrial: false });
  const prepared = await agent.own.prepare(digest, bundle);
  await symlink(join('versions', digest), join(data, 'agent/current'));
  agent.own.stop();
  await agent.swap(digest, prepared, 'start');
  agent.now = 10_000;
  await agent.own.tick();
  expect([agent.left, await agent.link('current')]).toEqual([0, digest]);
  agent.own.stop();
  agent.now = 20_000;
  await agent.own.tick();
  expect([agent.left, await agent.link('current')]).toEqual([1, undefined]);
});

test('a restart is the start of the same release', async () => {
  const agent = await Agent.boot(await temporaryFolder(), { release: digest, isTrial: false });
  void agent.swap(digest, { digest, folder: '', prepareMs: 0 }, 'restart');
  await expect.poll(() => agent.left).toBe(1);
});

test('a version that rotted on disk, or was cut off half-way, is unpacked anew', async () => {
  const agent = await Agent.boot(await temporaryFolder(), PACKAGE);
  const { folder } = await agent.own.prepare(digest, bundle);
  await writeFile(join(folder, 'lib/agent.cjs'), '// rotten');
  await mkdir(`${folder}.new/lib`, { recursive: true });
  await agent.own.prepare(digest, bundle);
  expect(await readFile(join(folder, 'lib/agent.cjs'), 'utf8')).toBe('// agent');
  await rm(join(folder, 'lib'), { recursive: true });
  await agent.own.prepare(digest, bundle);
  expect(existsSync(join(folder, 'lib/cli.cjs'))).toBe(true);
});

test('an agent that needs a newer Node, or that is damaged, is refused before anything runs', async () => {
  const agent = await Agent.boot(await temporaryFolder(), PACKAGE);
  const newer = bundleOf({ manifest: { node: '99.0.0' } });
  await expect(agent.own.prepare(digestOf(newer), newer)).rejects.toMatchObject({
    fault: { kind: 'incompatible' },
  });
  const damaged = bundleOf({ files: [] });
  await expect(agent.own.prepare(digestOf(damaged), damaged)).rejects.toMatchObject({
    fault: { kind: 'prepare' },
  });
});

test('an agent that no starter started does not try to replace itself', async () => {
  expect(startOf({})).toBeUndefined();
  const agent = await Agent.boot(await temporaryFolder(), startOf({}));
  await expect(agent.own.prepare(digest, bundle)).rejects.toMatchObject({ fault: { kind: 'incompatible' } });
});

test('guests are none of its business: their runtime is asked for every other app', async () => {
  const guests = new FakeRuntime();
  const agent = await Agent.boot(await temporaryFolder(), PACKAGE);
  const runtime = withOwnRelease(guests, agent.own);
  const component = Buffer.from('component');
  await runtime.prepare(digestOf(component), component, Limits.parse({}));
  expect(guests.calls).not.toEqual([]);
});
