import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['*/src/**/*.test.ts', '*/test/**/*.test.ts', 'dashboard/src/**/*.test.{ts,tsx}'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: ['./server/test/postgres.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores is what the smallest machine of a contributor or of CI has.
    maxWorkers: 2,
    reporters: ['default', './vitest.reporter.ts'],
  },
});
