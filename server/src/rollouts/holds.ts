/** What keeps a device from following its channels, for its page. */
import type { DeviceDetail, DeviceId } from '@wafer/protocol';
import { eq } from 'drizzle-orm';
import type { Deps } from '../deps.ts';
import { deviceRests, pins } from './tables.ts';

/** A rest that is over is told with its end. */
export async function readHolds(
  db: Deps['db'],
  device: DeviceId,
): Promise<Pick<DeviceDetail, 'pins' | 'rests'>> {
  const [pinned, [rest]] = await Promise.all([
    db.select({ app: pins.app, version: pins.version }).from(pins).where(eq(pins.device, device)),
    db.select().from(deviceRests).where(eq(deviceRests.device, device)),
  ]);
  return {
    pins: Object.fromEntries(pinned.map(({ app, version }) => [app, version])),
    rests: rest === undefined ? null : { until: rest.until.toISOString(), why: rest.why },
  };
}
