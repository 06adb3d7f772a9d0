/**
 * A board at the other end of ssh, as far as one machine can have it: an ssh server in namespaces of its
 * own, with a loopback, a user and a home of its own. What is copied there is the package; what reaches
 * the fleet server from there goes through the connection.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { enrol } from '../src/journeys/enrol.ts';
import { install } from '../src/journeys/install.ts';
import { power } from '../src/journeys/power.ts';
import { ended } from '../src/ended.ts';
import { programPath } from '../src/rigs/debian.ts';
import { rigsFor } from '../src/rigs/index.ts';
import { packAgent } from '../src/rigs/package.ts';
import { ROOT } from '../src/root.ts';
import { runRig } from '../src/run.ts';

const USER = 61_000;
const NEEDS = ['dropbear', 'dropbearkey', 'ssh', 'ssh-keygen', 'ip', 'unshare', 'nsenter'];
const missing = NEEDS.filter((name) => programPath(name) === undefined);
const isHad = process.getuid?.() === 0 && missing.length === 0;

const folder = mkdtempSync(join(tmpdir(), 'wafer-ssh-board-'));
let board: ChildProcess | undefined;
afterAll(() => {
  board?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** From standard input and output to the server's port, once it listens. */
const RELAY = `
const connect = () => {
  const socket = require('node:net').connect(22, '127.0.0.1');
  socket.on('connect', () => { process.stdin.pipe(socket).pipe(process.stdout); });
  socket.on('error', (error) => (error.code === 'ECONNREFUSED' ? setTimeout(connect, 100) : process.exit(1)));
};
connect();
`;

/** Makes the board; answers the file that names it. */
function makeBoard(): string {
  const home = join(folder, 'home');
  const at = (name: string): string => join(folder, name);
  mkdirSync(join(home, '.ssh'), { recursive: true });
  chmodSync(folder, 0o755);
  // Where a user's own Node lies, another user may not come.
  copyFileSync(process.execPath, at('node'));
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at('key')]);
  execFileSync(programPath('dropbearkey')!, ['-t', 'ed25519', '-f', at('host-key')], { stdio: 'ignore' });
  copyFileSync(at('key.pub'), join(home, '.ssh/authorized_keys'));
  for (const path of [home, join(home, '.ssh'), join(home, '.ssh/authorized_keys')])
    chownSync(path, USER, USER);
  const user = `board:x:${USER}:${USER}:a board:${home}:/bin/sh`;
  writeFileSync(at('passwd'), `root:x:0:0:root:/root:/bin/sh\n${user}\n`);
  const server = `
ip link set lo up
mount --bind ${at('passwd')} /etc/passwd
exec ${programPath('dropbear')!} -F -E -s -p 127.0.0.1:22 -r ${at('host-key')} -P ${at('dropbear.pid')}`;
  const within = ['--mount', '--net', '--propagation', 'private', 'sh', '-ec', server];
  board = spawn('unshare', within, { stdio: 'ignore' });
  writeFileSync(at('relay.cjs'), RELAY);
  const options = [
    `ProxyCommand=nsenter --target ${board.pid} --net ${at('node')} ${at('relay.cjs')}`,
    `UserKnownHostsFile=${at('known-hosts')}`,
    'StrictHostKeyChecking=accept-new',
  ];
  const entry = { name: 'at-home', host: 'board@at-home', node: at('node'), identity: at('key'), options };
  writeFileSync(at('boards.yaml'), JSON.stringify({ boards: [entry] }));
  return at('boards.yaml');
}

it.runIf(isHad)(
  'a board at the other end of ssh is enrolled, runs what it is sent, and is left as it was',
  { timeout: 240_000 },
  async () => {
    const agent = await packAgent(undefined);
    try {
      const [rig] = rigsFor(['at-home'], makeBoard());
      const said: string[] = [];
      const { result } = await runRig(rig!, agent, (text) => said.push(text), [enrol, install, power]);
      expect(result, said.join('\n')).toMatchObject({ rig: 'at-home', kind: 'board', status: 'ran' });
      expect(result.journeys.map(({ outcome, detail }) => detail ?? outcome)).toEqual([
        'passed',
        'passed',
        'passed',
      ]);
      expect(readdirSync(join(folder, 'home'))).toEqual(['.ssh']);
    } finally {
      agent.remove();
    }
  },
);

it('a board that does not answer is missing, with the reason', { timeout: 60_000 }, async () => {
  const file = join(folder, 'nobody.yaml');
  const entry = { name: 'nobody', host: 'nobody', options: ['ProxyCommand=false'] };
  writeFileSync(file, JSON.stringify({ boards: [entry] }));
  const [rig] = rigsFor(['nobody'], file);
  const agent = await packAgent(undefined);
  try {
    const { result } = await runRig(rig!, agent, () => undefined, [enrol, install]);
    expect(result).toMatchObject({ status: 'skipped', why: expect.stringContaining('nobody: ') as string });
    expect(result.journeys.map(({ outcome }) => outcome)).toEqual(['skipped', 'skipped']);
  } finally {
    agent.remove();
  }
});

it(
  'one that was asked for by name and is missing is an error of the whole run',
  { timeout: 60_000 },
  async () => {
    const file = join(folder, 'absent.yaml');
    const entry = { name: 'absent', host: 'nobody', options: ['ProxyCommand=false'] };
    writeFileSync(file, JSON.stringify({ boards: [entry] }));
    const args = ['--boards', file, '--rig', 'absent', '--journey', 'install', '--json'];
    const program = join(ROOT, 'hardware-tests/src/main.ts');
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const { code, output, errors } = await ended(child);
    expect(code).toBe(1);
    expect(errors).toContain('absent: SKIPPED: nobody: ');
    expect(JSON.parse(output)).toMatchObject({ rigs: { absent: { passed: 0, failed: 0, skipped: 2 } } });
  },
);
