/** Runs of attacks alone, one line each; what they hold is part of `npm test` too. */
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { AttackReporter } from './device-agent/test/sandbox/reporter.ts';

interface Attacks {
  readonly include: string[];
  readonly globalSetup?: string[];
  /** Whether docs/sandbox.md has a line for each. */
  readonly isListed?: boolean;
}

export const attacks = ({ include, globalSetup = [], isListed = false }: Attacks): ViteUserConfig =>
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
      reporters: [new AttackReporter({ isListed })],
    },
  });
