import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppName } from '@wafer/protocol';
import { expect, test } from 'vitest';
import { Floors } from '../../src/trust/floors.ts';
import { temporaryFolder } from '../folder.ts';

const THERMO = AppName.parse('thermo');

test('a floor only rises, and is still there after a restart', async () => {
  const folder = await temporaryFolder();
  const floors = await Floors.open(folder);
  await floors.raise(THERMO, 3);
  await floors.raise(THERMO, 2);
  expect((await Floors.open(folder)).of(THERMO)).toBe(3);
});

test('truncation: a slot of floors that is cut or forged leaves the one before', async () => {
  const folder = await temporaryFolder();
  const floors = await Floors.open(folder);
  await floors.raise(THERMO, 3);
  await floors.raise(THERMO, 4);
  await truncate(join(folder, 'trust', 'floors.a'), 70);
  expect((await Floors.open(folder)).of(THERMO)).toBe(3);
  await writeFile(join(folder, 'trust', 'floors.a'), `${'0'.repeat(64)} 9 {"thermo":0}`);
  expect((await Floors.open(folder)).of(THERMO)).toBe(3);
});
