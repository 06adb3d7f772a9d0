/** What `wafer dev` hands to the local agent. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Builder } from '../src/dev/build.ts';
import { reactor } from './guests.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wafer-dev-build-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ['app: demo\nisolation: dedicated\n', 'dedicated'],
  ['app: demo\n', 'shared'],
])('the isolation of %j is %s', async (manifest, isolation) => {
  const file = join(folder, 'demo.wasm');
  writeFileSync(file, await reactor());
  writeFileSync(join(folder, 'wafer.yaml'), manifest);
  const builder = new Builder({ file, manifest: undefined, onFile: () => undefined, warn: () => undefined });
  expect((await builder.build()).spec).toMatchObject({ app: 'demo', isolation });
});
