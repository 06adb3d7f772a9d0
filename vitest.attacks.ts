/** Runs of attacks alone, one line each; what they hold is part of `npm test` too. */
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { AttackReporter } from './device-agent/test/sandbox/reporter.ts';

export const attacks = (include: string[], globalSetup: string[] = []): ViteUserConfig =>
  defineConfig({
    test: {
      include,
      exclude: ['**/node_modules/**', '**/dist/**'],
      globalSetup,
      testTimeout: 60_000,
      hookTimeout: 60_000,
      maxWorkers: 2,
      silent: true,
      expect: { requireAssertions: true },
      reporters: [new AttackReporter()],
    },
  });
