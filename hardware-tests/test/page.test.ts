/**
 * The operators' journey in a real browser against a real fleet: sign in, see the board, publish,
 * and see the board change without a reload.
 */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, openBrowser } from '../src/browser.ts';
import { LocalFleet } from '../src/local-fleet.ts';
import { ROOT } from '../src/root.ts';

const path = chromiumPath();
if (path === undefined && process.env['CI'] !== undefined) throw new Error('CI has no Chromium; see .ci/run');
if (path === undefined)
  console.warn('No Chromium here: the browser journey is skipped. Set CHROMIUM to its path.');

const thermo = (version: string): string => join(ROOT, `examples/thermo/thermo-${version}.wasm`);

describe.runIf(path)('an operator in the browser', { timeout: 90_000 }, () => {
  let fleet: LocalFleet;
  let browser: Browser;
  let page: Page;
  let device: string;
  const publish = (version: string) =>
    fleet.mustWafer(
      'publish',
      thermo(version),
      '--app',
      'thermo',
      '--version',
      version,
      '--channel',
      'stable',
    );

  beforeAll(async () => {
    fleet = new LocalFleet();
    await fleet.startServer();
    await fleet.mustWafer('keys', 'init', '--no-passphrase');
    await publish('1.0.0');
    ({ device } = await fleet.startBoard(await fleet.enrol('board')));
    await fleet.execution(device, 'thermo', '1.0.0', ['SUCCEEDED']);
    browser = await openBrowser(path ?? '');
    page = await browser.newPage();
  }, 90_000);

  afterAll(async () => {
    await browser?.close();
    await fleet?.close();
  });

  it('is kept out without a session', async () => {
    await page.goto(fleet.server.dashboard);
    await page.getByRole('heading', { name: 'Sign in to Wafer' }).waitFor();
    expect(await page.getByTestId('device-row').count()).toBe(0);
  });

  it('signs in with the one-time link and finds the board online', async () => {
    await page.goto(fleet.server.signIn);
    const row = page.getByTestId('device-row');
    await row.waitFor();
    expect(await row.textContent()).toMatch(/online/i);
    await expect.poll(() => page.getByTestId('app-version').first().textContent()).toContain('1.0.0');
  });

  it('finds what the app uses beside its limits', async () => {
    await page.goto(`${fleet.server.dashboard}/devices/${device}`);
    const usage = page.getByTestId('app-usage');
    await expect
      .poll(() => usage.textContent(), { timeout: 30_000 })
      .toMatch(/of 32 MiB.*of 256 calls.*a minute/);
    await page.goto(fleet.server.dashboard);
  });

  it('cannot use the link twice', async () => {
    const stranger = await browser.newContext();
    const other = await stranger.newPage();
    await other.goto(fleet.server.signIn);
    expect(other.url()).toContain('auth.link-invalid');
    await stranger.close();
  });

  it('sees 1.1.0 arrive without a reload', async () => {
    await page.evaluate(() => Object.assign(globalThis, { notReloaded: true }));
    await publish('1.1.0');
    await expect
      .poll(() => page.getByTestId('app-version').first().textContent(), { timeout: 45_000 })
      .toMatch(/1\.1\.0/);
    await fleet.execution(device, 'thermo', '1.1.0', ['SUCCEEDED']);
    expect(await page.evaluate(() => 'notReloaded' in globalThis)).toBe(true);
  });

  it('sees 1.2.0 rolled back, and why', async () => {
    await page.goto(`${fleet.server.dashboard}/devices/${device}`);
    await publish('1.2.0');
    await expect
      .poll(() => page.getByTestId('execution-state').first().textContent(), { timeout: 45_000 })
      .toMatch(/rolled.back/i);
    expect(await page.getByTestId('device-app').first().textContent()).toContain('probe-failed');
    expect(await page.getByTestId('fault-text').first().textContent()).toContain('calibration-offset');
    expect(await page.getByTestId('app-version').first().textContent()).toContain('1.1.0');
  });

  it('makes a group by a query, is shown its mistake where it stands and who fits, and finds it at the board', async () => {
    const soon = { timeout: 20_000 };
    await page.goto(`${fleet.server.dashboard}/groups`);
    await page.getByRole('button', { name: 'New group…' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('Halle 3/4, 100%');
    const query = page.getByRole('textbox', { name: 'Query' });
    await query.fill('release.thermo = running and site = x');
    await expect
      .poll(() => page.getByTestId('query-mistake').textContent(), soon)
      .toContain('Column 30: "site"');
    await query.fill('release.thermo = running and online');
    await expect.poll(() => page.getByTestId('preview-count').textContent(), soon).toContain('1 device');
    await page.getByRole('button', { name: 'Make the group' }).click();
    await page.getByTestId('group-member').getByRole('link').click();
    await expect.poll(() => page.getByTestId('device-groups').textContent(), soon).toBe('Halle 3/4, 100%');
    await page.getByTestId('device-groups').getByRole('link').click();
    await page.reload();
    await page.getByTestId('group-devices').click();
    await expect.poll(() => page.getByTestId('device-row').count(), soon).toBe(1);
  });

  it('makes a claim token, is shown the command once, and revokes it', async () => {
    await page.getByRole('link', { name: 'Enrolment' }).click();
    await page.getByRole('button', { name: 'Enrol a board…' }).click();
    await page.getByLabel('Name').fill('on the roof');
    await page.getByRole('combobox', { name: 'Tags' }).fill('site=north');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Make a claim token' }).click();
    const command = await page.getByTestId('made-claim').getByText('agent -- enrol').textContent();
    const [, token = '', server = ''] = /enrol (wafer1\.\S+) --server (\S+)/.exec(command ?? '') ?? [];
    expect(server).toBe(fleet.server.api);
    await page.getByRole('button', { name: 'Done' }).click();
    const row = page.getByTestId('claim-row').filter({ hasText: 'on the roof' });
    expect(await row.textContent()).toMatch(/works.*1 board.*stable.*site=north.*admin/);
    expect(await page.content()).not.toContain(token.split('.')[2]);
    await row.getByRole('button', { name: 'Revoke on the roof' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click();
    await expect
      .poll(() => row.getByTestId('claim-state').textContent(), { timeout: 15_000 })
      .toBe('revoked');
    const late = fleet.agent('enrol', token, '--server', server, '--data', join(fleet.folder, 'late'));
    await expect(late).rejects.toThrow(/revoked/);
  });

  it('is warned of a copied board above every page, and revokes it', async () => {
    const copy = join(fleet.folder, 'copy');
    await cp(join(fleet.folder, 'board'), copy, { recursive: true });
    await fleet.startBoard(copy);
    await expect
      .poll(async () => (await fleet.api<{ items: unknown[] }>('GET', '/devices/clones')).items.length, {
        timeout: 30_000,
      })
      .toBe(1);
    await page.goto(fleet.server.dashboard);
    const banner = page.getByTestId('clone-banner');
    await banner.getByRole('link', { name: 'Look' }).click();
    const clone = page.getByTestId('clone');
    expect(await clone.textContent()).toMatch(/is connected twice.*from 127\.0\.0\.1/);
    expect(await clone.getByRole('link').getAttribute('href')).toBe(`/devices/${device}`);
    await clone.getByRole('button', { name: /^Revoke/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click();
    await clone.waitFor({ state: 'detached' });
    await page.goto(fleet.server.dashboard);
    await page.getByText('No board is enrolled yet').waitFor();
    expect(await banner.count()).toBe(0);
  });
});
