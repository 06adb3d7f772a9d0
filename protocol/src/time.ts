/**
 * The time, for a board that has no clock, or one that nothing sets: it asks with a nonce, and the
 * director signs the time together with it, so an old answer is none. The signature makes it the
 * server's word, no more: an answer can only move a board's time forward (device-agent's
 * link/clock.ts), and expiry that publishers signed bounds what that can do.
 */
import { z } from 'zod';
import { DeviceId, Timestamp } from './ids.ts';
import { Signature } from './signature.ts';

/** 16 random bytes. */
export const Nonce = z.string().regex(/^[0-9a-f]{32}$/);

export const TimeDocument = z.strictObject({
  _type: z.literal('wafer-time'),
  device: DeviceId,
  nonce: Nonce,
  time: Timestamp,
});
export type TimeDocument = z.infer<typeof TimeDocument>;

/** Body of the response to a request for the time, as JSON. */
export const SignedTime = z.strictObject({
  signed: TimeDocument,
  signatures: z.array(Signature).min(1).max(8),
});
export type SignedTime = z.infer<typeof SignedTime>;
