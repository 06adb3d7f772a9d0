/** `npm run test:sandbox`: the attacks alone, one line each. They are part of `npm test` too. */
import { defineConfig } from 'vitest/config';
import { AttackReporter } from './device-agent/test/sandbox/reporter.ts';

export default defineConfig({
  test: {
    include: ['device-agent/test/sandbox/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    silent: true,
    expect: { requireAssertions: true },
    reporters: [new AttackReporter()],
  },
});
