/** `npm run test:trust`: what a thief of the server, of keys or of a session may try. */
import { attacks } from './vitest.attacks.ts';

export default attacks(
  [
    'server/test/trust/**/*.test.ts',
    'cli/test/trust/**/*.test.ts',
    'device-agent/test/trust/**/*.test.ts',
    'hardware-tests/test/trust/**/*.test.ts',
  ],
  ['./server/test/postgres.ts'],
);
