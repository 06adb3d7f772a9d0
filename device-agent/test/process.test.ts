import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { storeIdentity } from '../src/link/identity.ts';
import { factoryRootPath } from '../src/trust/generations.ts';
import { temporaryFolder } from './folder.ts';
import { TestServer } from './link/server.ts';
import { DEVICE } from './state/orders.ts';
import { Repository } from './trust/repository.ts';

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts');

const run = (...args: string[]) => start([MAIN, ...args]);

function start(args: string[]) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const exited = once(child, 'close');
  return {
    child,
    line: async (): Promise<string> => (await lines.next()).value ?? '',
    stderr: () => stderr,
    exit: async () => (await exited)[0] as number | null,
  };
}

async function enrolled() {
  const repository = new Repository();
  const server = await TestServer.start(DEVICE, repository);
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'trust'), { recursive: true });
  await writeFile(factoryRootPath(folder), repository.root);
  await storeIdentity(folder, await server.identity());
  return { folder, server };
}

test('the process says when it is connected, knows that it runs, and leaves with 0', async () => {
  const { folder, server } = await enrolled();
  const agent = run('run', '--data', folder);
  expect(JSON.parse(await agent.line())).toEqual({ ready: true, device: DEVICE });
  const second = run('run', '--data', folder);
  expect(await second.exit()).toBe(1);
  expect(second.stderr()).toBe(`another agent runs on ${folder}\n`);
  const status = run('status', '--data', folder, '--json');
  expect(JSON.parse(await status.line())).toMatchObject({ enrolled: true, running: true, device: DEVICE });
  agent.child.kill('SIGTERM');
  expect(await agent.exit()).toBe(0);
  expect(server.presence).toEqual(['{"online":false}']);
});

test('a process that is killed says offline by its will, and starts again on the same folder', async () => {
  const { folder, server } = await enrolled();
  const agent = run('run', '--data', folder);
  await agent.line();
  agent.child.kill('SIGKILL');
  await agent.exit();
  await expect.poll(() => server.presence, { timeout: 8000 }).toEqual(['{"online":false}']);
  const again = run('run', '--data', folder);
  expect(JSON.parse(await again.line())).toMatchObject({ ready: true });
  again.child.kill('SIGINT');
  expect(await again.exit()).toBe(0);
});

test('what cannot be is said in one line', async () => {
  const folder = await temporaryFolder();
  const notEnrolled = run('run', '--data', folder);
  expect(await notEnrolled.exit()).toBe(1);
  expect(notEnrolled.stderr()).toBe(`${folder} is not enrolled; run enrol first\n`);
  const badToken = run('enrol', 'nonsense', '--server', 'https://127.0.0.1:1', '--data', folder);
  expect(await badToken.exit()).toBe(1);
  expect(badToken.stderr()).toMatch(/^claim\.unknown: [^\n]+\n$/);
  const usage = run('fly');
  expect(await usage.exit()).toBe(2);
});

test('a configuration that does not fit names the key', async () => {
  const { folder } = await enrolled();
  await writeFile(join(folder, 'agent.yaml'), 'policy: { grant: {} }\n');
  const agent = run('run', '--data', folder);
  expect(await agent.exit()).toBe(1);
  expect(agent.stderr()).toMatch(/agent\.yaml: policy\.grant: [^\n]+\n$/);
});

const programOf = async ({ pid }: { pid?: number | undefined }): Promise<string[]> =>
  (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');

test.runIf(process.platform === 'linux')(
  'the process that was started becomes the built agent, in an engine that keeps little',
  async () => {
    const { folder } = await enrolled();
    const agent = run('run', '--data', folder);
    await agent.line();
    const program = await programOf(agent.child);
    expect(program).toContain('--optimize-for-size');
    expect(program.find((part) => part.endsWith('agent.cjs'))).toMatch(/dist\/[0-9a-f]{16}\/agent\.cjs$/);
    expect(agent.stderr()).not.toContain('Experimental');
  },
);

test.runIf(process.platform === 'linux')(
  'where it can not become that, it runs from its sources',
  async () => {
    const { folder, server } = await enrolled();
    const cannot = 'data:text/javascript,process.execve = undefined';
    const agent = start(['--import', cannot, MAIN, 'run', '--data', folder]);
    expect(JSON.parse(await agent.line())).toEqual({ ready: true, device: DEVICE });
    expect(await programOf(agent.child)).toContain(MAIN);
    agent.child.kill('SIGTERM');
    expect(await agent.exit()).toBe(0);
    expect(server.presence).toEqual(['{"online":false}']);
  },
);
