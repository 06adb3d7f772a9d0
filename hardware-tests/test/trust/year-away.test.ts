/**
 * A year away, whole: the real agent and the real server as processes whose time really moves, for
 * JavaScript, for OpenSSL and for Postgres. Two boards enrol, install a release and are switched off. While
 * they are away every key of the fleet changes several times and the app moves on. Then the same data folders
 * are started again, and nobody helps.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shifted } from '../../src/other-time.ts';
import { LocalFleet } from '../../src/local-fleet.ts';
import { ROOT } from '../../src/root.ts';

const DAY_MS = 86_400_000;
const AWAY_DAYS = 366;
/** An hour into 1970, where a board without a clock starts. */
const SINCE_1970_MS = 3_600_000 - Date.now();

interface Role {
  readonly role: string;
  readonly threshold: number;
  readonly keys: string[];
}
interface Trust {
  readonly roles: Role[];
  readonly director: string[];
}

const fleet = new LocalFleet();
/** What thermo asks for, with a soak that is worth waiting for here. */
const manifest = join(fleet.folder, 'wafer.yaml');
const publish = (version: string) =>
  fleet.mustWafer(
    'publish',
    join(ROOT, `examples/thermo/thermo-${version}.wasm`),
    '--app',
    'thermo',
    '--version',
    version,
    '--manifest',
    manifest,
  );
const keys = (...args: string[]) => fleet.mustWafer('keys', ...args);
const trustOf = () => fleet.api<Trust>('GET', '/trust');
const keysOf = ({ roles }: Trust, name: string) => roles.find(({ role }) => role === name)?.keys ?? [];

/** Server and publisher from now on live `days` after today. */
async function goTo(days: number): Promise<void> {
  await fleet.stopServer();
  fleet.environment = shifted(days * DAY_MS);
  await fleet.startServer();
}

const certificateOf = (folder: string) =>
  new X509Certificate(readFileSync(join(folder, 'identity/cert.pem')));

/** The newest metadata of a role that the board believes. */
function believed(folder: string, role: string): { version: number; expires: string } {
  const generations = join(folder, 'trust/generations');
  const newest = readdirSync(generations)
    .toSorted((a, b) => Number(b) - Number(a))
    .map((name) => join(generations, name, `${role}.json`))
    .find((path) => existsSync(path));
  return JSON.parse(readFileSync(newest ?? '', 'utf8')).signed;
}

const boards: { device: string; folder: string }[] = [];
let before: Trust;
let after: Trust;

async function switchOn(index: number, env: Record<string, string> = {}) {
  const { device, folder } = boards[index]!;
  await fleet.startBoard(folder, env);
  return { device, folder };
}

// The library that moves time is Debian's; where it is missing there, the test fails and says so.
describe.runIf(process.platform === 'linux')('away', () => {
  beforeAll(async () => {
    const asked = readFileSync(join(ROOT, 'examples/thermo/wafer.yaml'), 'utf8');
    writeFileSync(manifest, asked.replace(/soakMs: \d+/, 'soakMs: 500'));
    await fleet.startServer();
    await keys('init', '--no-passphrase', '--root', '2/3');
    await publish('1.0.0');
    for (const name of ['board', 'board-without-clock']) {
      const folder = await fleet.enrol(name);
      const { device } = await fleet.startBoard(folder);
      await fleet.execution(device, 'thermo', '1.0.0', ['SUCCEEDED']);
      await fleet.stopBoard(folder);
      boards.push({ device, folder });
    }
    before = await trustOf();
    for (const days of [100, 200, 300]) {
      await goTo(days);
      await keys('rotate', 'root');
      await keys('rotate', 'targets');
      await keys('rotate', 'thermo');
      await keys('rotate', 'online', '--at-once');
    }
    await goTo(AWAY_DAYS);
    await publish('1.1.0');
    after = await trustOf();
  }, 240_000);
  afterAll(() => fleet.close());

  it('for a year, nothing of what the boards know is left: every key changed, root nine times, by two of three', () => {
    for (const role of ['root', 'targets', 'snapshot', 'timestamp', 'thermo'])
      expect(keysOf(after, role).filter((id) => keysOf(before, role).includes(id))).toEqual([]);
    expect(after.director.filter((id) => before.director.includes(id))).toEqual([]);
    expect(after.roles).toContainEqual(expect.objectContaining({ role: 'root', threshold: 2, version: 10 }));
    for (const { folder } of boards) {
      expect(certificateOf(folder).validToDate.getTime()).toBeLessThan(Date.now() + 46 * DAY_MS);
      expect(believed(folder, 'root')).toMatchObject({ version: 1 });
    }
  });

  const then = new Date(Date.now() + AWAY_DAYS * DAY_MS);

  it.each([
    ['for a year', 0, () => ({}), then.getUTCFullYear()],
    ['for a year, and started in 1970', 1, () => shifted(SINCE_1970_MS), 1970],
  ])('%s, a board converges without a person', async (_, index, env, year) => {
    const { device, folder } = await switchOn(index, env());
    const ends = ['SUCCEEDED', 'FAILED', 'REJECTED', 'ROLLED_BACK'] as const;
    const { state, fault } = await fleet.execution(device, 'thermo', '1.1.0', ends);
    expect({ state, fault }).toEqual({ state: 'SUCCEEDED', fault: null });
    const { online, apps } = await fleet.device(device);
    expect(online).toBe(true);
    expect(apps).toMatchObject([{ app: 'thermo', running: { version: '1.1.0' } }]);

    const { validFromDate, validToDate } = certificateOf(folder);
    expect(validFromDate.getTime()).toBeGreaterThan(then.getTime() - DAY_MS);
    expect(validToDate.getTime()).toBeGreaterThan(then.getTime() + 44 * DAY_MS);
    expect(believed(folder, 'root')).toMatchObject({ version: 10 });
    expect(Date.parse(believed(folder, 'timestamp').expires)).toBeGreaterThan(then.getTime());

    const years = fleet.logOf(folder).map((line) => new Date(JSON.parse(line).at).getUTCFullYear());
    expect(new Set(years)).toEqual(new Set([year]));
  });
});
