/** Boards as the API shows them: runs of the hardware tests, and the fleet's own devices by architecture. */
import { z } from 'zod';
import { HardwareRun } from './hardware.ts';
import { DeviceId, Timestamp } from './ids.ts';
import { page } from './page.ts';

/** POST /hardware-runs answers it; what is sent is a `HardwareRun`. */
export const HardwareRunView = HardwareRun.extend({
  id: z.string(),
  published: Timestamp,
  /** Who published it. */
  by: z.string(),
});
export type HardwareRunView = z.infer<typeof HardwareRunView>;
/** GET /hardware-runs; newest first. The last 200 are kept. */
export const HardwareRunList = page(HardwareRunView);
export type HardwareRunList = z.infer<typeof HardwareRunList>;

/** Devices of one architecture by how they did in their agent's self-test. */
export const BoardsOfArch = z.object({
  arch: z.string(),
  devices: z.number().int(),
  online: z.number().int(),
  passed: z.number().int(),
  failed: z.number().int(),
  /** Said nothing of it: an agent before self-tests, or one that never connected. */
  unknown: z.number().int(),
  /** At most 20 of those that failed, with their tests. */
  failing: z.array(z.object({ id: DeviceId, name: z.string(), tests: z.array(z.string()) })),
});
export type BoardsOfArch = z.infer<typeof BoardsOfArch>;
/** GET /boards; by architecture. */
export const FleetBoards = z.object({ items: z.array(BoardsOfArch) });
export type FleetBoards = z.infer<typeof FleetBoards>;
