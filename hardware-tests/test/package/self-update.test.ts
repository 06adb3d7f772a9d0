import { execFileSync } from 'node:child_process';
import { mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makePackage, PackagedBoard, type Packaged } from '../../src/packaged-board.ts';
import { LocalFleet } from '../../src/local-fleet.ts';
import { ROOT } from '../../src/root.ts';

const folder = mkdtempSync(join(tmpdir(), 'wafer-self-update-'));
const SOON = join(folder, 'soon.yaml');
const fleet = new LocalFleet();
let packaged: Packaged;
let board: PackagedBoard;
let device: string;

beforeAll(async () => {
  [packaged] = await Promise.all([makePackage(join(folder, 'out')), fleet.startServer()]);
  await fleet.mustWafer('keys', 'init', '--no-passphrase');
  writeFileSync(SOON, 'health: { soakMs: 500 }\n');
  const claim = await fleet.mustWafer('claim', 'create', '--channel', 'stable');
  board = new PackagedBoard(packaged.folder, join(folder, 'board'), { WAFER_AGENT_TRIAL_SECONDS: '6' });
  await board.command('enrol', String(claim['token']), '--server', fleet.server.api);
  const thermo = join(ROOT, 'examples/thermo/thermo-1.0.0.wasm');
  await fleet.mustWafer('publish', thermo, '--app', 'thermo', '--version', '1.0.0');
  device = await board.start();
  await fleet.execution(device, 'thermo', '1.0.0', ['SUCCEEDED']);
}, 300_000);

afterAll(async () => {
  await board.stop();
  await fleet.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A bundle of another version, whose commands begin with `first`. */
async function bundle(version: string, first: string): Promise<string> {
  const name = `wafer-agent-${version}`;
  const tree = join(folder, name);
  await cp(packaged.folder, tree, { recursive: true });
  const manifest = JSON.parse(await readFile(join(tree, 'wafer-agent.json'), 'utf8')) as object;
  await writeFile(join(tree, 'wafer-agent.json'), JSON.stringify({ ...manifest, version }));
  const program = join(tree, 'lib/cli.cjs');
  await writeFile(program, `${first}\n${await readFile(program, 'utf8')}`);
  const path = `${tree}.tar.gz`;
  execFileSync('tar', ['--format=ustar', '--owner=0', '--group=0', '-C', folder, '-czf', path, name]);
  return path;
}

const publish = async (version: string, first: string) =>
  fleet.mustWafer('publish', await bundle(version, first), '--version', version, '--manifest', SOON);

const ended = (version: string) =>
  fleet.execution(device, 'wafer-agent', version, ['SUCCEEDED', 'FAILED', 'ROLLED_BACK', 'REJECTED']);

const current = () => basename(readlinkSync(join(board.data, 'agent/current')));

const expectGuestServes = () =>
  fleet.until(device, 'thermo runs under the agent that is there now', ({ apps, online }) =>
    online && apps.find(({ app }) => app === 'thermo')?.running?.state === 'running' ? true : undefined,
  );

test('a new agent comes as a signed release, is tried, reports, is kept, and the guests go on', async () => {
  const { digest } = await publish('0.9.1', '// good');
  expect(await ended('0.9.1')).toMatchObject({ state: 'SUCCEEDED' });
  expect(current()).toBe(digest);
  await expectGuestServes();
}, 300_000);

test('an agent that ends at once is given up, and the one before goes on', async () => {
  const before = current();
  await publish('0.9.2', 'process.exit(7);');
  expect(await ended('0.9.2')).toMatchObject({
    state: 'ROLLED_BACK',
    fault: { kind: 'trap', message: expect.stringContaining('ended with 7') },
  });
  expect(current()).toBe(before);
  await expectGuestServes();
}, 300_000);

test('an agent that starts and never reports is ended, and the one before goes on', async () => {
  const before = current();
  await publish('0.9.3', "setInterval(() => {}, 1000); process.on('SIGTERM', () => {}); process.argv = [];");
  expect(await ended('0.9.3')).toMatchObject({
    state: 'ROLLED_BACK',
    fault: { kind: 'probe-failed', message: expect.stringContaining('did not report') },
  });
  expect(current()).toBe(before);
  await expectGuestServes();
}, 300_000);

test('the name is kept for agents, an agent has no other, and a bundle says which version it is', async () => {
  const thermo = join(ROOT, 'examples/thermo/thermo-1.0.0.wasm');
  const agent = await bundle('0.9.4', '// another');
  const refused = await Promise.all([
    fleet.wafer('publish', thermo, '--app', 'wafer-agent', '--version', '1.0.0'),
    fleet.wafer('publish', agent, '--app', 'thermo', '--version', '0.9.4'),
    fleet.wafer('publish', agent, '--version', '0.9.5'),
  ]);
  expect(refused.map(({ code }) => code)).not.toContain(0);
});
