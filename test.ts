/**
 * `npm test`, once it is built and checked: Vitest, then the journeys of a board on every rig that this
 * machine has, and one closing line for both. With arguments it is Vitest alone, which gets them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HardwareRun } from '@wafer/protocol';
import { sum, table } from './hardware-tests/src/table.ts';
import { closingLine, COUNTS_FILE, type Counts } from './vitest.reporter.ts';

const ROOT = import.meta.dirname;
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');
const HARDWARE = join(ROOT, 'hardware-tests/src/main.ts');

interface Part {
  readonly counts: Counts;
  /** What people read before the closing line. */
  readonly text: string;
}

/** One that could not even count is a failure. */
const UNCOUNTED: Counts = { passed: 0, failed: 1, skipped: 0 };

function vitest(file: string): Part {
  const env = { ...process.env, [COUNTS_FILE]: file };
  const { status } = spawnSync(process.execPath, [VITEST, 'run'], { stdio: 'inherit', env });
  const counts = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Counts) : UNCOUNTED;
  const failed = status !== 0 && counts.failed === 0 ? 1 : counts.failed;
  return { counts: { ...counts, failed }, text: '' };
}

function hardware(file: string): Part {
  const args = [HARDWARE, '--json', '--out', file];
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (!existsSync(file)) return { counts: UNCOUNTED, text: 'the hardware tests did not come to an end' };
  const found = HardwareRun.parse(JSON.parse(readFileSync(file, 'utf8')));
  const counts = sum(found.rigs);
  const failed = status !== 0 && counts.failed === 0 ? 1 : counts.failed;
  return { counts: { ...counts, failed }, text: table(found) };
}

const more = process.argv.slice(2);
if (more.length > 0) {
  const { status } = spawnSync(process.execPath, [VITEST, 'run', ...more], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  const folder = mkdtempSync(join(tmpdir(), 'wafer-test-'));
  const parts = [vitest(join(folder, 'vitest.json')), hardware(join(folder, 'hardware.json'))];
  rmSync(folder, { recursive: true });
  const total = (state: keyof Counts): number => parts.reduce((all, { counts }) => all + counts[state], 0);
  const counts = { passed: total('passed'), failed: total('failed'), skipped: total('skipped') };
  const texts = parts.map(({ text }) => text).filter((text) => text !== '');
  process.stdout.write(`\n${[...texts, closingLine(counts)].join('\n')}\n`);
  process.exitCode = counts.failed === 0 ? 0 : 1;
}
