/** The updater behind the command line of TUF's conformance suite, as a process, against a repository over HTTP. */
import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../folder.ts';
import { Repository } from './repository.ts';

const PROGRAM = fileURLToPath(new URL('../../src/tuf-client/main.ts', import.meta.url));

let repository: Repository;
let folder: string;
let base: string;

/** Serves metadata by name, and targets as `<folders>/<hash>.<name>`. */
beforeEach(async () => {
  repository = new Repository();
  folder = await temporaryFolder();
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    const name = path.split('/').at(-1) ?? '';
    const file = repository.files.get(name);
    const body = path.startsWith('/metadata/')
      ? file && repository.alterMetadata(name, file)
      : repository.blobs.get(name.split('.')[0] ?? '');
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(() => void server.close());
});

interface Ended {
  readonly code: number;
  readonly said: string;
}

function client(...args: string[]): Promise<Ended> {
  const all = [PROGRAM, '--metadata-dir', join(folder, 'metadata'), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, all, (error, _, said) => {
      resolve({ code: error === null ? 0 : Number(error.code), said });
    });
  });
}

async function init(): Promise<Ended> {
  const root = join(folder, 'root.json');
  await writeFile(root, repository.root);
  return client('init', root);
}

const refresh = (): Promise<Ended> => client('--metadata-url', `${base}/metadata`, 'refresh');

function download(...names: string[]): Promise<Ended> {
  const wanted = names.flatMap((name) => ['--target-name', name]);
  const [url, targets] = [`${base}/metadata`, `${base}/targets`];
  const into = ['--target-base-url', targets, '--target-dir', join(folder, 'targets')];
  return client('--metadata-url', url, ...wanted, ...into, 'download');
}

test('init, refresh and download show what is trusted, and bring several targets at once', async () => {
  const releases = [repository.publish('thermo', '1.0.0'), repository.publish('pump', '2.0.0')];
  expect(await init()).toEqual({ code: 0, said: '' });
  expect(await refresh()).toEqual({ code: 0, said: '' });
  const shown = await readFile(join(folder, 'metadata', 'snapshot.json'));
  expect(repository.files.get('3.snapshot.json')?.equals(shown)).toBe(true);
  expect(await download(...releases.map(({ target }) => target.path))).toEqual({ code: 0, said: '' });
  for (const { target, bytes } of releases) {
    const file = join(folder, 'targets', encodeURIComponent(target.path));
    expect((await readFile(file)).equals(bytes)).toBe(true);
  }
});

test('rollback: the client ends with 1 and the reason, and still shows the newer', async () => {
  await init();
  const old = repository.files.get('timestamp.json')!;
  repository.sign();
  await refresh();
  repository.files.set('timestamp.json', old);
  expect(await refresh()).toMatchObject({ code: 1, said: expect.stringContaining('does not verify') });
  expect(await readFile(join(folder, 'metadata', 'timestamp.json'), 'utf8')).toContain('"version":2');
});

test('arbitrary install: a target that is not what was signed is not left in the folder', async () => {
  const { target } = repository.publish('thermo', '1.0.0');
  repository.blobs.set(target.sha256, Buffer.alloc(target.length, 'malware '));
  await init();
  expect(await download(target.path)).toMatchObject({
    code: 1,
    said: expect.stringContaining('not what was signed'),
  });
  expect(await readdir(join(folder, 'targets'))).toEqual([]);
});

test('what is missing is said: a root, an option, a command', async () => {
  expect(await refresh()).toMatchObject({ code: 1, said: expect.stringContaining('init ROOT') });
  expect(await client('refresh')).toMatchObject({ code: 1, said: expect.stringContaining('--metadata-url') });
  expect(await client('install')).toMatchObject({ code: 1, said: expect.stringContaining('refresh') });
});
