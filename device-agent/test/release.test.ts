/** The day below which no board's clock can be must not lag behind what is released. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { openClock } from '../src/link/clock.ts';
import { RELEASE } from '../src/release.ts';
import { releaseModule } from '../stamp.ts';
import { temporaryFolder } from './folder.ts';

const read = (...path: string[]): string => readFileSync(join(import.meta.dirname, '..', ...path), 'utf8');

test('the stamp is of this version of the package: npm version moves both', () => {
  expect(RELEASE.version).toBe(packageJson.version);
  expect(read('src/release.ts')).toBe(releaseModule(packageJson.version, Date.parse(RELEASE.day)));
  expect(packageJson.scripts.version).toMatch(/^node stamp\.ts\b/);
});

test('the stamp is no earlier than any release in the changelog', () => {
  const days = read('../CHANGELOG.md').match(/(?<=^## .*)\d{4}-\d{2}-\d{2}/gm) ?? [];
  for (const day of days) expect(RELEASE.day >= day).toBe(true);
  expect(Date.parse(RELEASE.day)).toBeGreaterThanOrEqual(Date.UTC(2026, 10, 21));
});

test('a board that starts in 1970 is at the day of the stamp', async () => {
  const system = { now: () => 0, monotonic: () => 0, isSynchronised: async () => false };
  const clock = await openClock(await temporaryFolder(), system);
  expect(clock.now()).toBe(Date.parse(RELEASE.day));
});

test('a stamp says the version and the day, by universal time', () => {
  expect(releaseModule('1.2.3', Date.UTC(2027, 0, 31, 23, 59))).toContain(
    "{ version: '1.2.3', day: '2027-01-31' }",
  );
});
