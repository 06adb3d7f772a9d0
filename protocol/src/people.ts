/** People in the HTTP API: roles, sessions, tokens, links. */
import { z } from 'zod';
import { Timestamp } from './ids.ts';

export const Role = z.enum(['viewer', 'operator', 'admin']);
export type Role = z.infer<typeof Role>;

export const Me = z.object({ name: z.string(), role: Role, via: z.enum(['session', 'token']) });
export type Me = z.infer<typeof Me>;

export const CreateToken = z.strictObject({ name: z.string().min(1).max(100), role: Role });
/** The token is shown this once. */
export const CreatedToken = z.object({ id: z.string(), token: z.string() });

/** `url` works once, for 15 minutes, and signs in the local admin. */
export const CreatedSignInLink = z.object({ url: z.url(), expires: Timestamp });
export type CreatedSignInLink = z.infer<typeof CreatedSignInLink>;
