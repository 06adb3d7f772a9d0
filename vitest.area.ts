/** Runs of one area alone, one line a case; what they hold is part of `npm test` too. */
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { AttackReporter } from './device-agent/test/sandbox/reporter.ts';

interface Area {
  readonly include: string[];
  readonly globalSetup?: string[];
  /** Whether each is an attack that docs/sandbox.md has a line for. */
  readonly isListed?: boolean;
}

export const area = ({ include, globalSetup = [], isListed = false }: Area): ViteUserConfig =>
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
