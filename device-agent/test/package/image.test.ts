import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Version } from '@wafer/protocol';
import { expect, test } from 'vitest';
import { makeImage } from '../../package/image.ts';
import { temporaryFolder } from '../folder.ts';

/** A machine whose only builder that answers writes down what it is asked, and ends with a code. */
async function machine(builder: string, code = 0) {
  const folder = await temporaryFolder();
  const put = (name: string, script: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  // Docker's command is often there without its daemon.
  put('docker', 'exit 1');
  put(builder, `[ "$1" = info ] && exit 0\nprintf '%s\\n' "$@" >${folder}/asked\nexit ${code}`);
  return {
    environment: { PATH: folder },
    asked: () => readFileSync(join(folder, 'asked'), 'utf8').split('\n'),
  };
}

const STAGED = { version: Version.parse('1.2.3'), folder: '/staged' };

test.each([
  ['docker', []],
  ['podman', ['--format', 'docker']],
  ['buildah', ['--format', 'docker']],
])('%s builds it of the staged tree alone', async (builder, own) => {
  const { environment, asked } = await machine(builder);
  expect(await makeImage(STAGED, undefined, environment)).toBe('wafer-agent:1.2.3');
  const args = [
    'build',
    '-t',
    'wafer-agent:1.2.3',
    '-f',
    '/staged/share/Containerfile',
    ...own,
    '/staged',
    '',
  ];
  expect(asked()).toEqual(args);
});

test('another base is handed on, and a build that fails is an error', async () => {
  const { environment, asked } = await machine('podman', 3);
  await expect(makeImage(STAGED, 'debian@sha256:1', environment)).rejects.toThrow(
    'podman build ended with 3',
  );
  expect(asked()).toContain('BASE=debian@sha256:1');
});

test('a machine without a builder says what it lacks', async () => {
  const PATH = await temporaryFolder();
  await expect(makeImage(STAGED, undefined, { PATH })).rejects.toThrow('docker, podman or buildah');
});
