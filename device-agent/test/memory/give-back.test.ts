/** What the memory of a guest is worth to the board once the guest is gone: real guests in one isolate. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppName, Digest, HealthRule, Limits, Version } from '@wafer/protocol';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createRuntime } from '../../src/apps/host.ts';
import type { AppSpec } from '../../src/apps/runtime.ts';
import { parseVmRss } from '../../src/health.ts';
import { temporaryFolder } from '../folder.ts';
import { reactor } from '../sandbox/handmade.ts';

const MIB = 2 ** 20;
const resident = (): number => parseVmRss(readFileSync('/proc/self/status', 'utf8'))!;

const spec = (app: string, digest: Digest): AppSpec => ({
  app: AppName.parse(app),
  version: Version.parse('1.0.0'),
  digest,
  world: 'reactor',
  exports: ['wasi:messaging/incoming-handler@0.2.0-draft'],
  grants: { messaging: { publish: [], subscribe: ['#'] } },
  config: {},
  secrets: {},
  limits: Limits.parse({ memoryMiB: 128, deadlineMs: 10_000 }),
  isolation: 'shared',
  triggers: {},
  health: HealthRule.parse({}),
});

test('the memory of a guest that was ended goes back to the system, and its neighbour in the isolate stays', async () => {
  const bytes = await reactor({
    handle: `(drop (memory.grow (i32.const 1000)))
      (memory.fill (i32.const 65536) (i32.const 1) (i32.const 60000000))`,
  });
  const digest = Digest.parse(createHash('sha256').update(bytes).digest('hex'));
  const folder = await temporaryFolder();
  const runtime = createRuntime({
    folder: join(folder, 'prepared'),
    storesFolder: join(folder, 'stores'),
    isolates: 1,
    events: { fault: () => {}, publish: () => {}, used: () => {}, log: () => {} },
  });
  onTestFinished(() => runtime.close());
  const [small, large] = [spec('small', digest), spec('large', digest)];
  const prepared = await runtime.prepare(digest, bytes, small.limits);
  await runtime.swap(small, prepared);
  await runtime.swap(large, prepared);
  await runtime.deliver(large.app, 'grow', Buffer.of());
  expect(runtime.memory().find(({ app }) => app === 'large')?.memoryBytes).toBeGreaterThan(60 * MIB);
  const grown = resident();
  await runtime.stop(large.app);
  await vi.waitFor(
    () => {
      runtime.giveBack();
      expect(grown - resident()).toBeGreaterThan(30 * MIB);
    },
    { timeout: 10_000, interval: 200 },
  );
  expect(runtime.memory()).toMatchObject([{ app: 'small' }]);
  await runtime.probe(small.app);
});
