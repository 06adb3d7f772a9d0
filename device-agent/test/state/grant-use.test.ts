/** What is suggested to be narrowed, over restarts and changes of grants. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppName, Version, type AppHealth, type Grants } from '@wafer/protocol';
import { expect, test, vi } from 'vitest';
import { GrantUse } from '../../src/state/grant-use.ts';
import { temporaryFolder } from '../folder.ts';

const THERMO = AppName.parse('thermo');
const HOUR_MS = 3_600_000;
const GRANTS: Grants = { clock: true, random: true, messaging: { publish: ['alarms/#'], subscribe: [] } };

const health = (state: AppHealth['state'] = 'running'): AppHealth => ({
  app: THERMO,
  version: Version.parse('1.0.0'),
  state,
  calls: 0,
  faults: 0,
  memoryBytes: 0,
});

async function newBoard() {
  const folder = await temporaryFolder();
  const board = { now: 5000, grants: GRANTS as Grants | undefined, errors: [] as unknown[] };
  const open = () =>
    GrantUse.open({
      folder,
      grantsOf: () => board.grants,
      suggestAfterHours: 3,
      now: () => board.now,
      onDiskError: (error) => board.errors.push(error),
    });
  const use = { of: await open() };
  const told = (apps = [health()]) => use.of.tell(apps)[0]?.unusedGrants;
  /** Reports every ten minutes, for so many hours; answers the last suggestion. */
  const run = (hours: number, apps = [health()]) => {
    for (let step = 0; step < hours * 6; step += 1) {
      board.now += HOUR_MS / 6;
      told(apps);
    }
    return told(apps);
  };
  const written = async () => {
    const texts = await Promise.all(
      ['a', 'b'].map((slot) => readFile(join(folder, `grant-use.${slot}`), 'utf8').catch(() => '')),
    );
    return Math.max(...texts.map((text) => Number(text.split(' ')[1] ?? 0)));
  };
  const restart = async () => {
    await vi.waitFor(async () => expect(await written()).toBeGreaterThan(0));
    board.now = 17;
    use.of = await open();
  };
  return { board, use, told, run, written, restart };
}

test('a grant that was not used for as long as the owner set is suggested, and no other', async () => {
  const { use, run, told } = await newBoard();
  told();
  expect(run(1)).toBeUndefined();
  use.of.used(THERMO, ['clock']);
  expect(run(2)).toEqual(['messaging.publish alarms/#', 'random']);
  use.of.used(THERMO, ['random', 'clock']);
  expect(told()).toEqual(['messaging.publish alarms/#']);
  expect(run(3)).toEqual(['messaging.publish alarms/#', 'clock', 'random']);
});

test('the time is not forgotten with a restart, and none passes while the board is off', async () => {
  const { run, told, restart } = await newBoard();
  told();
  run(2);
  await restart();
  told();
  expect(run(0.5)).toBeUndefined();
  expect(run(1.5)).toHaveLength(3);
});

test('a grant that is given anew begins anew, and those that stay keep their time', async () => {
  const { board, run, told } = await newBoard();
  told();
  run(2);
  board.grants = { clock: true, messaging: { publish: ['alarms/+'], subscribe: [] } };
  expect(run(1)).toEqual(['clock']);
  board.grants = GRANTS;
  expect(told()).toEqual(['clock']);
  board.grants = undefined;
  told([]);
  board.grants = GRANTS;
  expect(told()).toBeUndefined();
});

test('no time passes for an app that lies in a crash loop', async () => {
  const { run, told } = await newBoard();
  told();
  run(5, [health('failed')]);
  expect(told()).toBeUndefined();
});

test('a day of reports costs a write an hour, and a late use one more', async () => {
  const { use, board, run, told, written } = await newBoard();
  told();
  run(24);
  await vi.waitFor(async () => expect(await written()).toBe(24));
  for (let time = 0; time < 100; time += 1) use.of.used(THERMO, ['random']);
  told();
  await vi.waitFor(async () => expect(await written()).toBe(25));
  for (let time = 0; time < 100; time += 1) {
    use.of.used(THERMO, ['random']);
    told();
  }
  expect(await written()).toBe(25);
  expect(board.errors).toEqual([]);
});
