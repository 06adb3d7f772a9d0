import { chmod, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openClock } from '../../src/link/clock.ts';
import { systemSaysSynchronised } from '../../src/link/synchronised.ts';
import { temporaryFolder } from '../folder.ts';

const HOUR_MS = 3_600_000;
const TODAY = Date.UTC(2027, 5, 1);

/** A system whose clocks and whose word on them a test sets. */
class System {
  wall = 0;
  reading = 1000;
  says: boolean | undefined = false;
  readonly now = () => this.wall;
  readonly monotonic = () => this.reading;
  readonly isSynchronised = async () => this.says;
}

test('a board that starts in 1970 is at the day of its agent’s release, and goes on from there', async () => {
  const system = new System();
  const clock = await openClock(await temporaryFolder(), system);
  const built = clock.now();
  expect(built).toBeGreaterThanOrEqual(Date.UTC(2026, 10, 1));
  system.reading += HOUR_MS;
  expect(clock.now()).toBe(built + HOUR_MS);
});

test("the system's clock counts when the system says that it is kept right, or cannot tell", async () => {
  const system = new System();
  system.wall = TODAY;
  const clock = await openClock(await temporaryFolder(), system);
  expect(clock.now()).toBeLessThan(TODAY);
  for (const says of [true, undefined]) {
    system.says = says;
    await clock.sample();
    expect(clock.now()).toBe(TODAY);
  }
  system.says = false;
  await clock.sample();
  expect(clock.now()).toBeLessThan(TODAY);
});

test("the server's answer moves on by the monotonic clock, and an earlier one changes nothing", async () => {
  const system = new System();
  const clock = await openClock(await temporaryFolder(), system);
  clock.answered(TODAY);
  system.reading += HOUR_MS;
  expect(clock.now()).toBe(TODAY + HOUR_MS);
  clock.answered(TODAY - HOUR_MS);
  expect(clock.now()).toBe(TODAY + HOUR_MS);
});

test('what verified is remembered over a boot; what was only answered is not', async () => {
  const folder = await temporaryFolder();
  const system = new System();
  const clock = await openClock(folder, system);
  await clock.verified(TODAY);
  clock.answered(TODAY + 24 * HOUR_MS);
  system.reading = 0;
  expect((await openClock(folder, system)).now()).toBe(TODAY);
});

test('truncation: a slot of the clock that is cut leaves the one before', async () => {
  const folder = await temporaryFolder();
  const clock = await openClock(folder, new System());
  await clock.verified(TODAY);
  await clock.verified(TODAY + HOUR_MS);
  await truncate(join(folder, 'clock.a'), 70);
  expect((await openClock(folder, new System())).now()).toBe(TODAY);
});

test.each([
  ['yes', 'echo yes', true],
  ['no', 'echo no', false],
  ['something else', 'echo maybe', undefined],
  ['nothing, and fails', 'exit 1', undefined],
])('a system that says %s', async (_, line, says) => {
  const program = join(await temporaryFolder(), 'timedatectl');
  await writeFile(program, `#!/bin/sh\n${line}\n`);
  await chmod(program, 0o755);
  expect(await systemSaysSynchronised(program)).toBe(says);
});

test('a system without such a program cannot tell', async () => {
  expect(await systemSaysSynchronised('/nowhere/timedatectl')).toBeUndefined();
});
