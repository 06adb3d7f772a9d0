/** `npm run test:rollouts`: releases wave by wave, what stops them, and the devices that they are for. */
import { area } from './vitest.area.ts';

/** Rooms and files by these names, in whatever workspace. */
const NAMES = ['rollout', 'group', 'simulate'];

export default area({
  include: NAMES.flatMap((name) => [`**/${name}*/**/*.test.{ts,tsx}`, `**/*${name}*.test.{ts,tsx}`]),
  globalSetup: ['./server/test/postgres.ts'],
});
