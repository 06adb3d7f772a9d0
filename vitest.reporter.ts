/**
 * Ends every run with the line that people and machines read first: `N passed, N failed`; or leaves the
 * counts in a file, for whoever has more to count (test.ts).
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The variable of the environment that names the file. */
export const COUNTS_FILE = 'WAFER_TEST_COUNTS';

export const closingLine = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

export default class CountReporter implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly unknown[],
    _reason: TestRunEndReason,
  ): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string): number => tests.filter((test) => test.result().state === state).length;
    // A file that could not be loaded and an error outside any test are failures too.
    const broken = modules.filter(
      (module) => module.state() === 'failed' && module.children.size === 0,
    ).length;
    const failed = count('failed') + broken + unhandledErrors.length;
    const counts: Counts = { passed: count('passed'), failed, skipped: count('skipped') };
    const file = process.env[COUNTS_FILE];
    if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
    else process.on('exit', () => process.stdout.write(`\n${closingLine(counts)}\n`));
  }
}
