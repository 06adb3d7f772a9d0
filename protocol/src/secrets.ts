/**
 * Secrets over HTTP: an operator sets a value, and from then on nobody is shown it again. A value holds
 * for every device that runs the app, or for those that run it by one channel, which counts first.
 */
import { z } from 'zod';
import { SecretName } from './grants.ts';
import { AppName, ChannelName, Timestamp } from './ids.ts';

/** Bytes of one value. */
export const MAX_SECRET_BYTES = 4096;
/** Names of one app: as many as a grant can name. */
export const MAX_SECRETS = 16;
/** Bytes that the values of one app may have together: all of them travel in one MQTT payload. */
export const MAX_SECRETS_BYTES = 16 * 1024;

/** PUT /apps/:app/secrets/:name. */
export const SetSecret = z
  .strictObject({
    /** Either of them. */
    text: z.string().min(1).max(MAX_SECRET_BYTES).optional(),
    base64: z
      .base64()
      .min(1)
      .max(Math.ceil(MAX_SECRET_BYTES / 3) * 4)
      .optional(),
    /** Without it the value holds on every channel that has none of its own. */
    channel: ChannelName.optional(),
  })
  .refine(({ text, base64 }) => (text === undefined) !== (base64 === undefined), 'either text or base64');

export const SecretView = z.object({
  app: AppName,
  name: SecretName,
  /** Null: every channel that has no value of its own. */
  channel: ChannelName.nullable(),
  set: Timestamp,
  /** `user:<name>` or `token:<name>`. */
  by: z.string(),
});
export type SecretView = z.infer<typeof SecretView>;

/** GET /apps/:app/secrets, by name. Nothing here is made from a value. */
export const SecretList = z.object({ items: z.array(SecretView) });

/** `devices` were told. */
export const ChangedSecret = z.object({
  app: AppName,
  name: SecretName,
  channel: ChannelName.nullable(),
  devices: z.number().int(),
});
export type ChangedSecret = z.infer<typeof ChangedSecret>;

/** DELETE /apps/:app/secrets/:name. */
export const SecretQuery = z.object({ channel: ChannelName.optional() });
