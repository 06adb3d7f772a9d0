/** The shape of a signature, apart from signed.ts so that a browser can read what is signed without node:crypto. */
import { z } from 'zod';

export const Signature = z.strictObject({
  keyid: z.string().regex(/^[0-9a-f]{64}$/),
  sig: z.string().regex(/^[0-9a-f]{128}$/),
});
export type Signature = z.infer<typeof Signature>;
