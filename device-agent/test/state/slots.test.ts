import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { readSlots, SlotFile } from '../../src/state/slots.ts';
import { temporaryFolder } from '../folder.ts';

const Value = z.strictObject({ count: z.number() });
const open = (folder: string) => SlotFile.open(join(folder, 'value'), Value, { count: 0 });

test('the newest value is read back, and the first one is the initial', async () => {
  const folder = await temporaryFolder();
  const slots = await open(folder);
  expect(slots.value).toEqual({ count: 0 });
  for (let count = 1; count <= 5; count += 1) await slots.write({ count });
  expect((await open(folder)).value).toEqual({ count: 5 });
});

test('writes that were not waited for land in their order', async () => {
  const folder = await temporaryFolder();
  const slots = await open(folder);
  await Promise.all([1, 2, 3, 4].map((count) => slots.write({ count })));
  expect((await open(folder)).value).toEqual({ count: 4 });
});

test('power cut at each byte of a write: the value is the one before, or the new one whole', async () => {
  const folder = await temporaryFolder();
  const slots = await open(folder);
  for (let count = 1; count <= 3; count += 1) await slots.write({ count });
  const path = join(folder, 'value.b');
  const whole = await readFile(path);
  for (let length = 0; length < whole.length; length += 1) {
    await truncate(path, length);
    expect(await readSlots(join(folder, 'value'), Value)).toEqual({ count: 2 });
    const again = await open(folder);
    expect(again.value).toEqual({ count: 2 });
    await writeFile(path, whole);
  }
  expect((await open(folder)).value).toEqual({ count: 3 });
});

test('a slot whose content was changed is not believed', async () => {
  const folder = await temporaryFolder();
  const slots = await open(folder);
  await slots.write({ count: 1 });
  await slots.write({ count: 2 });
  const path = join(folder, 'value.a');
  await writeFile(path, (await readFile(path, 'utf8')).replace('"count":2', '"count":9'));
  expect((await open(folder)).value).toEqual({ count: 1 });
});
