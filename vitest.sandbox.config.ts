/** `npm run test:sandbox`: what a guest may try, and what stops it. */
import { attacks } from './vitest.attacks.ts';

export default attacks({ include: ['device-agent/test/sandbox/**/*.test.ts'], isListed: true });
