import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../folder.ts';

const PACKAGE = join(import.meta.dirname, '../../package');
const UNIT = join(PACKAGE, 'files/wafer-agent.service');

const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' });
const hasSystemd = analyze('--version').status === 0;
if (!hasSystemd) process.stderr.write('no systemd-analyze here: the unit was NOT verified\n');

/** What the unit says under a key, in its order. */
async function settings(key: string): Promise<string[]> {
  const lines = (await readFile(UNIT, 'utf8')).split('\n');
  return lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
}

/** The unit with a program that is there: systemd-analyze looks for it. */
async function verifiable(): Promise<string> {
  const path = join(await temporaryFolder(), 'wafer-agent.service');
  const text = await readFile(UNIT, 'utf8');
  await writeFile(path, text.replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'));
  return path;
}

test.runIf(hasSystemd)('systemd understands every line of the unit', async () => {
  const { status, stderr } = analyze('verify', await verifiable());
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

test.runIf(hasSystemd)('systemd rates its exposure as OK, 2.0 at most', async () => {
  const { status, stdout } = analyze(
    'security',
    '--offline=true',
    '--threshold=20',
    '--no-pager',
    await verifiable(),
  );
  expect(status, stdout.split('\n').at(-2)).toBe(0);
});

test('it has a user of its own, sees no device, writes only where its data is, and gains nothing', async () => {
  const said = {
    User: ['wafer-agent'],
    NoNewPrivileges: ['yes'],
    CapabilityBoundingSet: [''],
    ProtectSystem: ['strict'],
    StateDirectory: ['wafer-agent'],
    DevicePolicy: ['closed'],
    DeviceAllow: [],
    ReadWritePaths: [],
    MemoryMax: ['80%'],
    RestrictAddressFamilies: ['AF_UNIX AF_INET AF_INET6 AF_NETLINK'],
    Restart: ['always'],
    Type: ['notify'],
    // V8 writes machine code and runs it.
    MemoryDenyWriteExecute: [],
  };
  for (const [key, values] of Object.entries(said)) expect(await settings(key), key).toEqual(values);
});

test('a trial is given up before the watchdog would end it', async () => {
  const [watchdog] = await settings('WatchdogSec');
  const starter = await readFile(join(PACKAGE, 'files/wafer-agent'), 'utf8');
  const trial = /WAFER_AGENT_TRIAL_SECONDS:-(\d+)/.exec(starter)?.[1];
  expect(Number(trial)).toBe(60);
  expect(Number(watchdog)).toBeGreaterThan(Number(trial));
});

test('the scripts are plain POSIX shell', () => {
  for (const name of [
    'files/wafer-agent',
    'files/board.sh',
    'debian/postinst',
    'debian/prerm',
    'debian/postrm',
  ]) {
    expect(spawnSync('sh', ['-n', join(PACKAGE, name)]).status, name).toBe(0);
  }
});

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** Instructions of a Containerfile, lines that go on joined, comments left out. */
async function instructions(): Promise<Instruction[]> {
  const text = await readFile(join(PACKAGE, 'files/Containerfile'), 'utf8');
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => ({ name: line.split(' ', 1)[0]!, rest: line.slice(line.indexOf(' ') + 1).trim() }));
}

const KNOWN = [
  'ARG',
  'FROM',
  'RUN',
  'COPY',
  'USER',
  'VOLUME',
  'STOPSIGNAL',
  'HEALTHCHECK',
  'ENTRYPOINT',
  'CMD',
];

/** The rules that a linter of container files would hold it to; there is none to be had here. */
test('the image is of a named release, runs as nobody of importance, and leaves no package lists', async () => {
  const all = await instructions();
  const one = (name: string) =>
    all.filter((instruction) => instruction.name === name).map(({ rest }) => rest);
  expect(all.map(({ name }) => name).filter((name) => !KNOWN.includes(name))).toEqual([]);
  expect(one('FROM')).toEqual(['${BASE}']);
  expect(one('ARG')).toEqual([expect.stringMatching(/^BASE=debian:(?!latest)[a-z]+-slim$/)]);
  expect(one('USER')).toEqual(['wafer-agent']);
  expect(one('VOLUME')).toEqual(['/var/lib/wafer-agent']);
  for (const name of ['ENTRYPOINT', 'CMD'])
    for (const rest of one(name)) expect(Array.isArray(JSON.parse(rest))).toBe(true);
  for (const rest of one('RUN').filter((line) => line.includes('apt-get'))) {
    expect(rest).toMatch(
      /apt-get update .*install -y --no-install-recommends .*rm -rf \/var\/lib\/apt\/lists/,
    );
  }
  const last = all.map(({ name }) => name);
  expect(last.lastIndexOf('USER')).toBeGreaterThan(last.lastIndexOf('RUN'));
});
