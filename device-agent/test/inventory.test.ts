import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { timeZone } from '../src/inventory.ts';
import { temporaryFolder } from './folder.ts';

describe('the time zone of a board', () => {
  const NOTHING = ['/nowhere/localtime', '/nowhere/timezone'] as const;

  it.each([
    ['Europe/Berlin', 'Europe/Berlin'],
    [':America/Argentina/Ushuaia', 'America/Argentina/Ushuaia'],
    ['/usr/share/zoneinfo/Etc/GMT+3', 'Etc/GMT+3'],
    ['UTC', 'UTC'],
  ])('is what TZ names: %s', async (variable, zone) => {
    expect(await timeZone(variable, NOTHING)).toBe(zone);
  });

  it.each([undefined, '', '/etc/localtime', '<-03>3'])(
    'is UTC where nothing names one: %s',
    async (variable) => {
      expect(await timeZone(variable, NOTHING)).toBe('UTC');
    },
  );

  it('is where the link of the system leads, or what its file says', async () => {
    const folder = await temporaryFolder();
    const [link, text] = [join(folder, 'localtime'), join(folder, 'timezone')];
    writeFileSync(text, 'Asia/Kathmandu\n');
    expect(await timeZone(undefined, [link, text])).toBe('Asia/Kathmandu');
    symlinkSync('../usr/share/zoneinfo/posix/Europe/Lisbon', link);
    expect(await timeZone(undefined, [link, text])).toBe('Europe/Lisbon');
  });

  it('is on this machine the one that Node has', async () => {
    const of = (zone?: string): string =>
      new Intl.DateTimeFormat('en', zone === undefined ? {} : { timeZone: zone }).resolvedOptions().timeZone;
    expect(of(await timeZone())).toBe(of());
  });
});
