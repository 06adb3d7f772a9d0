/** `npm run test:sandbox`: what a guest may try, and what stops it. */
import { area } from './vitest.area.ts';

export default area({ include: ['device-agent/test/sandbox/**/*.test.ts'], isListed: true });
