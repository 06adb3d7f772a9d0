import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makePackage, PackagedBoard, type Packaged } from '../../src/packaged-board.ts';
import { LocalFleet } from '../../src/local-fleet.ts';

const folder = mkdtempSync(join(tmpdir(), 'wafer-commands-'));
const fleet = new LocalFleet();
let packaged: Packaged;

beforeAll(async () => {
  [packaged] = await Promise.all([makePackage(join(folder, 'out')), fleet.startServer()]);
  await fleet.mustWafer('keys', 'init', '--no-passphrase');
}, 300_000);

afterAll(async () => {
  await fleet.close();
  rmSync(folder, { recursive: true, force: true });
});

async function enrolled(name: string): Promise<PackagedBoard> {
  const board = new PackagedBoard(packaged.folder, join(folder, name));
  const claim = await fleet.mustWafer('claim', 'create', '--channel', 'stable');
  const { code, errors } = await board.command('enrol', String(claim['token']), '--server', fleet.server.api);
  expect(code, errors).toBe(0);
  return board;
}

type Finding = { check: string; verdict: string; detail: string; advice?: string };

async function doctor(
  board: PackagedBoard,
): Promise<{ code: number | null; of: (check: string) => Finding | undefined }> {
  const { code, output } = await board.command('doctor', '--json');
  const found = JSON.parse(output) as Finding[];
  return { code, of: (check) => found.find((one) => one.check === check) };
}

test('doctor finds an enrolled board well, and one that is none of a fleet unwell, with what to do', async () => {
  const board = await enrolled('well');
  await board.start();
  const well = await doctor(board);
  expect(well.of('broker')).toMatchObject({ verdict: 'ok' });
  expect(well.of('certificate')).toMatchObject({ verdict: 'ok' });
  expect(well.of('unit')).toMatchObject({ verdict: 'ok' });
  expect(well.of('devices')).toMatchObject({ verdict: 'ok' });
  await board.stop();
  const stranger = new PackagedBoard(packaged.folder, join(folder, 'out'));
  const unwell = await doctor(stranger);
  expect(unwell.code).toBe(1);
  expect(unwell.of('enrolment')).toMatchObject({
    verdict: 'fail',
    advice: expect.stringContaining('enrol TOKEN'),
  });
}, 60_000);

test('doctor says that the broker does not answer, and what to look at', async () => {
  const board = await enrolled('lonely');
  writeFileSync(join(board.data, 'agent.yaml'), 'broker: { host: 127.0.0.1, port: 9 }\n');
  const found = await doctor(board);
  expect(found.code).toBe(1);
  expect(found.of('broker')).toMatchObject({ verdict: 'fail', advice: expect.stringContaining('firewall') });
});

test('unenrol waits for nobody: it refuses while the agent runs, then forgets all but the owner’s file', async () => {
  const board = await enrolled('leaving');
  writeFileSync(join(board.data, 'agent.yaml'), 'isolates: 1\n');
  await board.start();
  const refused = await board.command('unenrol');
  expect(refused).toMatchObject({ code: 1, errors: expect.stringContaining('end it first') });
  await board.stop();
  const left = await board.command('unenrol');
  expect(left).toMatchObject({ code: 0, output: expect.stringContaining('wafer devices revoke d-') });
  expect(await readdir(board.data)).toEqual(['agent.yaml']);
  expect(await board.command('unenrol')).toMatchObject({
    code: 1,
    errors: expect.stringContaining('not enrolled'),
  });
}, 60_000);

test('without systemd, logs says where the log is; and what is no command is said in one list', async () => {
  const board = new PackagedBoard(packaged.folder, join(folder, 'nobody'));
  expect(await board.command('logs')).toMatchObject({
    code: 1,
    errors: expect.stringContaining('standard error'),
  });
  const usage = await board.command('fly');
  expect(usage).toMatchObject({ code: 2 });
  for (const name of ['enrol', 'run', 'status', 'doctor', 'unenrol', 'logs', 'devices']) {
    expect(usage.errors).toContain(`\n  ${name} `);
  }
});

test('without Node the starter says what is missing', async () => {
  const board = new PackagedBoard(packaged.folder, join(folder, 'nobody'), { WAFER_NODE: '/nowhere/node' });
  expect(await board.command('status')).toMatchObject({
    code: 1,
    errors: expect.stringMatching(/^wafer-agent needs Node 24\.15/),
  });
});
