/** Commands that a person at a workplace has and a board has not; the CLI starts them. */
import { resolve } from 'node:path';
import type { Commands } from './cli.ts';

export const WORKSHOP: Commands = {
  dev: {
    usage: 'dev [--stores DIR]   (for wafer dev: orders on standard input, events on standard output)',
    async run(_, { stores }) {
      const { devProcess } = await import('./dev.ts');
      return devProcess(stores === undefined ? undefined : resolve(stores));
    },
  },
  simulate: {
    usage: 'simulate             (for wafer simulate: likewise)',
    async run() {
      const { simulateProcess } = await import('./simulate/process.ts');
      return simulateProcess();
    },
  },
};
