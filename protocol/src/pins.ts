/** Pins: a release of its own for an app on one device, and rests of devices that failed again and again. */
import { z } from 'zod';
import { MoveChannel } from './api.ts';
import { AppName, ChannelName, DeviceId, Timestamp, Version } from './ids.ts';
import { PageQuery, page } from './page.ts';

const Reason = z.string().trim().max(500);

/**
 * PUT /devices/:id/pins/:app. As a move of a channel, for one device: it counts before what its channels
 * hold and before any rollout. What is absent stays as the pin, or else the device's channel, has it.
 */
export const SetPin = MoveChannel.extend({ reason: Reason.optional() });

export const PinView = z.object({
  device: DeviceId,
  app: AppName,
  version: Version,
  /** That it would follow without the pin. */
  channel: ChannelName,
  reason: z.string().nullable(),
  at: Timestamp,
  by: z.string(),
  /** For If-Match. */
  revision: z.number().int(),
});
export type PinView = z.infer<typeof PinView>;
export const PinList = page(PinView);
export const PinQuery = PageQuery.extend({ device: DeviceId.optional(), app: AppName.optional() });
