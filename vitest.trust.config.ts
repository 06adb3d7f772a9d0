/** `npm run test:trust`: what a thief of the server, of keys or of a session may try. */
import { area } from './vitest.area.ts';

export default area({
  include: ['*/test/trust/**/*.test.ts'],
  globalSetup: ['./server/test/postgres.ts'],
});
