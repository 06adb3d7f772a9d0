import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DebianBoard } from '../../src/install/debian-board.ts';
import { makePackage, type Packaged } from '../../src/packaged-board.ts';
import { LocalFleet } from '../../src/local-fleet.ts';
import { ROOT } from '../../src/root.ts';
import { RigMissing } from '../../src/rigs/rig.ts';

const ARCH = 'arm64';
const UNIT = 'wafer-agent.service';
const DATA = '/var/lib/wafer-agent';
/** The agent that the fleet brought. */
const CURRENT = `${DATA}/agent/current`;
const PATIENCE = { timeout: 300_000 };

const folder = mkdtempSync(join(tmpdir(), 'wafer-install-'));
const fleet = new LocalFleet();
const say = (text: string) => void process.stderr.write(`install: ${text}\n`);
let board: DebianBoard | undefined;
let packaged: Packaged;
let newer: Packaged;
let device: string;

beforeAll(async () => {
  board = await DebianBoard.make(ARCH, say).catch((error: unknown) => {
    if (!(error instanceof RigMissing)) throw error;
    say(`SKIPPED: the install journeys were not run: ${error.message}`);
    return undefined;
  });
  if (board === undefined) return;
  packaged = await makePackage(join(folder, 'out'));
  newer = await makePackage(join(folder, 'newer'), '9.0.0');
  await fleet.startServer();
  await fleet.mustWafer('keys', 'init', '--no-passphrase');
}, 1_200_000);

afterAll(async () => {
  await board?.close();
  await fleet.close();
  rmSync(folder, { recursive: true, force: true });
}, 120_000);

beforeEach((context) => {
  if (board === undefined) context.skip('there is no root file system');
});

/** The emulated board, which `beforeEach` has seen. */
const there = (): DebianBoard => board!;

const running = (version: string) =>
  fleet.until(
    device,
    `echo-c ${version} serves`,
    ({ apps, online }) => {
      const app = apps.find((one) => one.app === 'echo-c');
      return online && app?.running?.version === version && app.running.state === 'running' ? app : undefined;
    },
    180_000,
  );

/** As if the fleet had brought this agent; there is nothing in it, so the package's own goes on. */
function bring(version: string): void {
  const versions = there().path(`${DATA}/agent/versions/brought`);
  mkdirSync(versions, { recursive: true });
  writeFileSync(join(versions, 'wafer-agent.json'), JSON.stringify({ version }, null, 2));
  rmSync(there().path(CURRENT), { force: true });
  symlinkSync('versions/brought', there().path(CURRENT));
}

const status = async (): Promise<Record<string, unknown>> =>
  JSON.parse(await there().must('wafer-agent', 'status', '--json')) as Record<string, unknown>;

test(
  'installed, it has a user, a folder of its own and a unit, and waits to be enrolled',
  PATIENCE,
  async () => {
    await there().install(packaged.deb);
    const user = await there().must('getent', 'passwd', 'wafer-agent');
    expect(user).toMatch(/^wafer-agent:.*:\/var\/lib\/wafer-agent:\/usr\/sbin\/nologin$/m);
    expect(await there().must('stat', '-c', '%U %a', DATA)).toBe('wafer-agent 700\n');
    expect(there().has(`/usr/lib/systemd/system/${UNIT}`)).toBe(true);
    expect(await status()).toMatchObject({ enrolled: false });
    const doctor = await there().run('wafer-agent', 'doctor');
    expect(doctor).toMatchObject({ code: 1, output: expect.stringMatching(/^fail {2}enrolment/m) });
    expect((await there().run('systemctl', 'is-active', UNIT)).output).toBe('inactive\n');
  },
);

test('the owner says which device nodes the unit lets it at, and takes that back', PATIENCE, async () => {
  const dropIn = `/etc/systemd/system/${UNIT}.d/devices.conf`;
  await there().must('wafer-agent', 'devices', 'allow', '/dev/null', '/dev/tty');
  expect(await there().must('wafer-agent', 'devices')).toBe('/dev/null\n/dev/tty\n');
  const group = (await there().must('stat', '-L', '-c', '%G', '/dev/tty')).trim();
  expect(readFileSync(there().path(dropIn), 'utf8').split('\n').slice(1)).toEqual([
    '[Service]',
    'DeviceAllow=/dev/null rw',
    'DeviceAllow=/dev/tty rw',
    ...(group === 'root' ? [] : [`SupplementaryGroups=${group}`]),
    '',
  ]);
  expect(
    await there().run('wafer-agent', 'devices', 'allow', '/dev/serial/by-id/usb-1a86_x+y:1.0-port0'),
  ).toMatchObject({ code: 1, errors: expect.stringContaining('is not there, or is no character device') });
  expect(await there().run('wafer-agent', 'devices', 'allow', '/dev/../etc/shadow')).toMatchObject({
    code: 2,
  });
  await there().must('wafer-agent', 'devices', 'deny', '/dev/tty');
  expect(await there().must('wafer-agent', 'devices')).toBe('/dev/null\n');
});

test(
  'one command enrols, enables and starts; its key is the agent’s alone; an app runs',
  PATIENCE,
  async () => {
    const { token } = await fleet.mustWafer('claim', 'create', '--channel', 'stable');
    await there().must('wafer-agent', 'enrol', String(token), '--server', fleet.server.api);
    expect(await there().must('systemctl', 'is-enabled', UNIT)).toBe('enabled\n');
    expect(await there().must('stat', '-c', '%U %a', `${DATA}/identity/key.pem`)).toBe('wafer-agent 600\n');
    device = String((await status())['device']);
    const echo = join(ROOT, 'examples/echo-c/echo.wasm');
    await fleet.mustWafer('publish', echo, '--app', 'echo-c', '--version', '1.0.0');
    await running('1.0.0');
    // Nothing of it runs as root.
    const [uid] = (await there().must('id', '-u', 'wafer-agent')).trim().split('\n');
    const pid = readFileSync(there().path(`/var/lib/stand-in/${UNIT}.pid`), 'utf8').trim();
    expect(String(statSync(`/proc/${pid}`).uid)).toBe(uid);
  },
);

test(
  'upgraded while an app runs, it goes on as the same device, and the owner’s file stays',
  PATIENCE,
  async () => {
    const config = there().path('/etc/wafer-agent/agent.yaml');
    writeFileSync(config, '# the owner was here\nhealth: { everySeconds: 5 }\n');
    const boots = await fleet.device(device);
    bring('1.0.0');
    await there().install(newer.deb);
    expect(await there().must('dpkg-query', '-W', '-f', '${Version}', 'wafer-agent')).toBe('9.0.0');
    expect(readFileSync(config, 'utf8')).toContain('the owner was here');
    // What the fleet brought is older than what the owner installed.
    expect(there().has(CURRENT)).toBe(false);
    await fleet.until(
      device,
      'the new agent says hello',
      (detail) => (detail.online && detail.lastSeen !== boots.lastSeen ? true : undefined),
      180_000,
    );
    await running('1.0.0');
    expect(await status()).toMatchObject({
      device,
      running: true,
      apps: [{ app: 'echo-c', version: '1.0.0' }],
    });
  },
);

test('removed, nothing of it runs or lies about, but who the board is stays', PATIENCE, async () => {
  await there().must('dpkg', '--remove', 'wafer-agent');
  expect((await there().run('systemctl', 'is-active', UNIT)).output).toBe('inactive\n');
  for (const gone of ['/usr/bin/wafer-agent', '/usr/lib/wafer-agent', `/usr/lib/systemd/system/${UNIT}`]) {
    expect(existsSync(there().path(gone)), gone).toBe(false);
  }
  for (const kept of [`${DATA}/identity/key.pem`, '/etc/wafer-agent/agent.yaml']) {
    expect(there().has(kept), kept).toBe(true);
  }
  await fleet.until(device, 'the board is offline', ({ online }) => (online ? undefined : true), 60_000);
});

test('installed again, it is the same device without being enrolled again', PATIENCE, async () => {
  bring('99.0.0');
  await there().install(packaged.deb);
  expect(there().has(CURRENT)).toBe(true);
  await there().must('systemctl', 'enable', '--now', UNIT);
  await running('1.0.0');
  expect(await status()).toMatchObject({ device, running: true });
});

test('purged, nothing of it is left: no key, no user, no configuration', PATIENCE, async () => {
  await there().must('dpkg', '--purge', 'wafer-agent');
  for (const gone of [DATA, '/etc/wafer-agent', '/usr/lib/wafer-agent', `/etc/systemd/system/${UNIT}.d`]) {
    expect(there().has(gone), gone).toBe(false);
  }
  expect((await there().run('getent', 'passwd', 'wafer-agent')).code).not.toBe(0);
});
