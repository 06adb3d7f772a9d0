/** The demo is a test of its own: its figures are measured, its exit code says whether all of it held. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ended } from '../src/ended.ts';
import { ROOT } from '../src/root.ts';

it('shows the whole line, from enrolment to a refused order', { timeout: 120_000 }, async () => {
  const child = spawn(process.execPath, [join(ROOT, 'hardware-tests/src/demo.ts'), '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { code, output, errors } = await ended(child);
  expect(code, errors).toBe(0);
  const lines = output.trim().split('\n');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    deliveredOver: 'mqtt',
    swap: { lostCalls: 0 },
    rolledBack: true,
    fault: 'probe-failed',
    tampered: { rejected: true, fault: 'digest' },
    unsignedRejected: true,
  });
});
