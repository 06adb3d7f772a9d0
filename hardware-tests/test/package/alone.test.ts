import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makePackage, PackagedBoard, type Packaged } from '../../src/packaged-board.ts';
import { LocalFleet } from '../../src/local-fleet.ts';
import { ROOT } from '../../src/root.ts';

const folder = mkdtempSync(join(tmpdir(), 'wafer-package-'));
const fleet = new LocalFleet();
let packaged: Packaged;

beforeAll(async () => {
  [packaged] = await Promise.all([makePackage(join(folder, 'out')), fleet.startServer()]);
  const asked = readFileSync(join(ROOT, 'examples/thermo/wafer.yaml'), 'utf8');
  writeFileSync(SOON, asked.replace(/soakMs: \d+/, 'soakMs: 500'));
  await fleet.mustWafer('keys', 'init', '--no-passphrase');
}, 300_000);

afterAll(async () => {
  await fleet.close();
  rmSync(folder, { recursive: true, force: true });
});

/** As thermo asks, but that it soaks for a moment only. */
const SOON = join(folder, 'soon.yaml');

const publish = (version: string) => {
  const file = join(ROOT, `examples/thermo/thermo-${version}.wasm`);
  const said = ['--app', 'thermo', '--version', version, '--manifest', SOON];
  return fleet.mustWafer('publish', file, ...said);
};

test('the staged tree has no node_modules, and nothing in it points out of it', async () => {
  const names = await readdir(packaged.folder, { recursive: true, withFileTypes: true });
  expect(names.map(({ name }) => name)).not.toContain('node_modules');
  expect(names.filter((entry) => !entry.isFile() && !entry.isDirectory())).toEqual([]);
});

test(
  'a copy of it, with no environment and no sources, enrols, runs a guest, swaps it and leaves',
  { timeout: 120_000 },
  async () => {
    const tree = join(folder, 'elsewhere');
    await cp(packaged.folder, tree, { recursive: true });
    const board = new PackagedBoard(tree, join(folder, 'board'));
    const claim = await fleet.mustWafer('claim', 'create', '--channel', 'stable');
    const enrolled = await board.command('enrol', String(claim['token']), '--server', fleet.server.api);
    expect(enrolled, enrolled.errors).toMatchObject({ code: 0 });
    await publish('1.0.0');
    const device = await board.start();
    await fleet.execution(device, 'thermo', '1.0.0', ['SUCCEEDED']);
    await publish('1.1.0');
    const swapped = await fleet.execution(device, 'thermo', '1.1.0', ['SUCCEEDED']);
    expect(swapped.swap).toMatchObject({ lostCalls: 0 });
    const status = await board.command('status', '--json');
    expect(JSON.parse(status.output)).toMatchObject({ running: true, device, apps: [{ version: '1.1.0' }] });
    expect(await board.stop()).toBe(0);
    expect(board.log).not.toContain('defect');
  },
);
