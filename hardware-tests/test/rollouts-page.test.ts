/**
 * Rollouts in a real browser against a real fleet: what is previewed is made, what may be ordered has a
 * button, and a gate that trips says why. One board runs; the others are enrolled and silent.
 */
import { join } from 'node:path';
import type { RolloutView } from '@wafer/protocol';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, openBrowser } from '../src/browser.ts';
import { LocalFleet } from '../src/local-fleet.ts';
import { ROOT } from '../src/root.ts';

const path = chromiumPath();
if (path === undefined && process.env['CI'] !== undefined) throw new Error('CI has no Chromium; see .ci/run');
if (path === undefined)
  console.warn('No Chromium here: the journey of rollouts is skipped. Set CHROMIUM to its path.');

const thermo = (version: string): string => join(ROOT, `examples/thermo/thermo-${version}.wasm`);
const WITHIN = { timeout: 30_000 };
const ORDERS = ['Start', 'Approve', 'Pause', 'Resume', 'Abort', 'Roll back', 'Retry failed'];

describe.runIf(path)('an operator with a rollout', { timeout: 120_000 }, () => {
  let fleet: LocalFleet;
  let browser: Browser;
  let page: Page;
  let device: string;

  const publish = (version: string, ...where: string[]) =>
    fleet.mustWafer('publish', thermo(version), '--app', 'thermo', '--version', version, ...where);
  const open = (address: string) => page.goto(`${fleet.server.dashboard}${address}`);
  const shownId = (): string => page.url().replace(/^.*\/rollouts\//, '');
  const view = (id = shownId()) => fleet.api<RolloutView>('GET', `/rollouts/${id}`);
  const texts = async (locator: Locator): Promise<string[]> => locator.allTextContents();
  const stateShown = () => page.getByTestId('rollout-state').textContent();
  const untilState = async (word: string): Promise<void> => {
    await expect.poll(stateShown, { timeout: 60_000 }).toBe(word);
  };
  const ordersShown = async (): Promise<string[]> =>
    (await texts(page.getByTestId('orders').getByRole('button'))).map((text) => text.replace('…', ''));

  /** Through the button and its dialog. */
  async function order(name: string, reason = ''): Promise<void> {
    await page.getByTestId('orders').getByRole('button', { name }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill(reason);
    await dialog.getByRole('button', { name, exact: true }).click();
  }

  let token: string;
  async function enrol(name: string): Promise<string> {
    const folder = join(fleet.folder, name);
    await fleet.agent('enrol', token, '--server', fleet.server.api, '--data', folder);
    return folder;
  }

  beforeAll(async () => {
    fleet = new LocalFleet();
    await fleet.startServer();
    await fleet.mustWafer('keys', 'init', '--no-passphrase');
    await publish('1.0.0', '--channel', 'stable');
    await publish('1.1.0', '--no-channel');
    await publish('1.2.0', '--no-channel');
    const claim = { channels: ['stable'], uses: 4 };
    ({ token } = await fleet.api<{ token: string }>('POST', '/claim-tokens', claim));
    ({ device } = await fleet.startBoard(await enrol('board')));
    await enrol('silent-one');
    await enrol('silent-two');
    await fleet.execution(device, 'thermo', '1.0.0', ['SUCCEEDED']);
    browser = await openBrowser(path ?? '');
    page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(fleet.server.signIn);
    await page.getByTestId('device-row').first().waitFor();
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    await fleet?.close();
  });

  it('is told what to do while there is none', async () => {
    await open('/rollouts');
    await page.getByText('Nothing has been rolled out yet').waitFor();
    await page.getByRole('link', { name: 'New rollout' }).first().click();
    const title = page.getByRole('heading', { level: 1 });
    await expect.poll(() => title.textContent(), WITHIN).toBe('New rollout');
  });

  it('gets what the preview showed: the same waves with the same devices in the same order', async () => {
    await open('/rollouts/new?channel=stable&app=thermo&version=1.1.0');
    await page.getByLabel('Remove wave 2').click();
    await page.getByLabel('Amount of wave 1').fill('1');
    await page.getByLabel('Name', { exact: true }).fill('by the form');
    const shown = page.getByTestId('preview-wave');
    await expect
      .poll(() => texts(shown), WITHIN)
      .toEqual([
        expect.stringMatching(/1 of each architecture.*1 device/),
        expect.stringMatching(/the rest.*2 devices/),
      ]);
    await page.getByTestId('create-rollout').and(page.locator(':enabled')).waitFor();
    await expect.poll(() => page.getByTestId('verdict-row').count(), WITHIN).toBe(3);
    const previewed = await page.getByTestId('verdict-row').getByRole('link').all();
    const links = await Promise.all(previewed.map((link) => link.getAttribute('href')));
    expect(await texts(page.getByTestId('verdict-chip'))).toEqual([
      expect.stringMatching(/would update 1/),
      expect.stringMatching(/silent 2/),
    ]);
    await page.getByTestId('create-rollout').click();
    await untilState('Draft');
    const made = await view();
    expect(made).toMatchObject({ name: 'by the form', channel: 'stable', devices: 3, movesChannel: true });
    expect(made.waves.map(({ devices, counts }) => [devices, counts.devices])).toEqual([
      [{ of: 'architecture', each: 1 }, 1],
      [{ of: 'rest' }, 2],
    ]);
    const { items } = await fleet.api<{ items: { device: string }[] }>('GET', `/rollouts/${made.id}/devices`);
    expect(links).toEqual(items.map((each) => `/devices/${each.device}`));
  });

  it('has a button for what may be ordered, and for nothing else', async () => {
    expect(await ordersShown()).toEqual(['Start', 'Abort']);
    await order('Start');
    await untilState('Running');
    // Until the wave has begun, an order may be overtaken by its beginning, and the person is told.
    const waveStates = () =>
      page.getByTestId('wave').evaluateAll((waves) => waves.map((wave) => wave.getAttribute('data-state')));
    await expect.poll(waveStates, { timeout: 60_000 }).toEqual(['RUNNING', 'WAITING']);
    const { actions } = await view();
    expect(actions).not.toContain('start');
    expect(await ordersShown()).toEqual(['Pause', 'Abort', 'Roll back']);
    await order('Pause', 'lunch');
    await untilState('Paused');
    expect(await page.getByTestId('rollout-reason').textContent()).toBe('lunch');
    expect(await ordersShown()).toEqual(['Resume', 'Abort', 'Roll back']);
  });

  it('is told when it changed meanwhile, and nothing is ordered', async () => {
    const id = shownId();
    const address = `**/api/v1/rollouts/${id}`;
    const stale = await view(id);
    // The page goes on to see it paused until it has given its order.
    await page.route(address, (route) => route.fulfill({ json: stale }));
    await fleet.api('POST', `/rollouts/${id}/resume`, {});
    await page.route(`${address}/abort`, async (route) => {
      const answer = await route.fetch();
      await page.unroute(address);
      await route.fulfill({ response: answer });
    });
    await order('Abort');
    const notice = page.getByTestId('order-changed');
    await expect.poll(() => notice.textContent(), WITHIN).toContain('it is running now');
    expect((await view(id)).state).toBe('RUNNING');
    await page.unrouteAll();
    await page.getByRole('dialog').getByRole('button', { name: 'Abort', exact: true }).click();
    await untilState('Aborted');
    expect(await ordersShown()).toEqual(['Roll back']);
  });

  it('is shown a new preview when devices came since, and makes that', async () => {
    await open('/rollouts/new?channel=stable&app=thermo&version=1.1.0');
    const create = page.getByTestId('create-rollout');
    await create.and(page.locator(':enabled')).waitFor();
    expect(await create.textContent()).toBe('Create for 3 devices');
    await enrol('late');
    await create.click();
    await page.getByTestId('preview-changed').waitFor();
    await expect.poll(() => create.textContent(), WITHIN).toBe('Create for 4 devices');
    await create.and(page.locator(':enabled')).click();
    await untilState('Draft');
    expect((await view()).devices).toBe(4);
  });

  it('reads at its field what the server refuses', async () => {
    await open('/rollouts/new?channel=stable&app=thermo&version=1.1.0');
    await page.getByRole('button', { name: /^When/ }).click();
    await page.getByRole('button', { name: 'A window' }).click();
    await page.getByLabel('Opens, window 1').fill('soon');
    await page.getByText('"soon" is not understood').first().waitFor();
    expect(await page.getByLabel('Opens, window 1').getAttribute('aria-invalid')).toBe('true');
    expect(await page.getByTestId('create-rollout').isDisabled()).toBe(true);
  });

  it('cannot approve the own widening of what a release may do', async () => {
    await open('/rollouts/new?channel=stable&app=thermo&version=1.2.0');
    await page.getByTestId('gain').filter({ hasText: 'wasi:config/store' }).waitFor();
    await page.getByTestId('create-rollout').and(page.locator(':enabled')).click();
    await untilState('Draft');
    await order('Start');
    await untilState('Awaiting approval');
    await page.getByTestId('same-person').waitFor();
    expect(await page.getByTestId('approve').count()).toBe(0);
    await order('Abort');
    await untilState('Aborted');
  });

  it('approves what another person asks for, and sees the gate trip with its cause', async () => {
    const made = await fleet.api<RolloutView>('POST', '/rollouts', {
      name: 'offset',
      channel: 'stable',
      targets: [{ app: 'thermo', version: '1.2.0' }],
      among: { devices: [device] },
    });
    await fleet.api('POST', `/rollouts/${made.id}/start`, {});
    await open(`/rollouts/${made.id}`);
    await untilState('Awaiting approval');
    await page.getByTestId('approve').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByTestId('gain').filter({ hasText: 'wasi:config/store' }).waitFor();
    await dialog.getByRole('button', { name: 'Approve', exact: true }).click();
    await untilState('Paused');
    expect(await page.getByTestId('wave-reason').textContent()).toContain('1 of 1 failed');
    expect(await page.getByTestId('wave').textContent()).toMatch(/Tripped.*Failed by probe-failed \(1\)/s);
    await page.getByRole('button', { name: /by probe-failed/ }).click();
    const member = page.getByTestId('member');
    await expect.poll(() => member.count(), WITHIN).toBe(1);
    expect(await member.getByRole('link').getAttribute('href')).toBe(`/devices/${device}`);
    expect(await ordersShown()).toEqual(['Resume', 'Abort', 'Roll back', 'Retry failed']);
  });

  it('finds it on its channel, and in the list by its state', async () => {
    await open('/channels');
    await page.getByTestId('open-rollout').filter({ hasText: 'offset' }).waitFor();
    await open('/rollouts?state=PAUSED');
    const rows = page.getByTestId('rollout-row');
    await expect.poll(() => texts(rows), WITHIN).toEqual([expect.stringContaining('offset')]);
    await open('/rollouts');
    await expect.poll(() => rows.count(), WITHIN).toBe(4);
  });

  it('who is a viewer has no buttons at all', async () => {
    const { url } = await fleet.api<{ url: string }>('POST', '/people', {
      name: 'onlooker',
      email: 'onlooker@example.org',
      role: 'viewer',
    });
    const context = await browser.newContext();
    const other = await context.newPage();
    await other.goto(url);
    await other.goto(page.url());
    await other.getByTestId('rollout-row').first().getByRole('link').click();
    await other.getByTestId('rollout-state').waitFor();
    for (const name of ORDERS)
      expect(await other.getByRole('button', { name: `${name}…` }).count(), name).toBe(0);
    await context.close();
  });
});
