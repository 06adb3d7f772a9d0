import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { licencesOf } from '../../licences.ts';
import { temporaryFolder } from '../folder.ts';

test('each package is named once, with what it asks to be passed on; our own files are none', async () => {
  const folder = await temporaryFolder();
  const put = (path: string, content: string): string => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  const pack = (at: string, manifest: object): void =>
    void put(`node_modules/${at}/package.json`, JSON.stringify(manifest));
  pack('outer', { name: 'outer', version: '1.0.0', license: 'MIT' });
  put('node_modules/outer/LICENSE.md', 'Be kind.\n');
  put('node_modules/outer/NOTICE', 'Made by hand.\n');
  pack('outer/node_modules/@scope/inner', { name: '@scope/inner', version: '2.1.0' });
  const files = [
    'src/own.ts',
    'node_modules/outer/lib/a.js',
    'node_modules/outer/lib/b.js',
    'node_modules/outer/node_modules/@scope/inner/index.js',
  ].map((path) => put(path, ''));

  expect(await licencesOf(files)).toBe(
    [
      '@scope/inner 2.1.0 (no licence named)',
      '-'.repeat(80),
      'outer 1.0.0 (MIT)\n\nBe kind.\n\nMade by hand.\n',
    ].join('\n\n'),
  );
});
