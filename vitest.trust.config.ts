/** `npm run test:trust`: what a thief of the server, of keys or of a session may try. */
import { attacks } from './vitest.attacks.ts';

export default attacks({
  include: ['*/test/trust/**/*.test.ts'],
  globalSetup: ['./server/test/postgres.ts'],
});
