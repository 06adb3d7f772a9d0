/** API tokens: `wafer_` and 256 random bits. Only a hash is stored. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Seconds, type Clock, type Role } from '@wafer/protocol';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { AuditActor } from '../audit/index.ts';
import { insertToken } from './tokens-store.ts';

const TOKEN = /^wafer_[A-Za-z0-9_-]{43}$/;

export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');

/** The token in an Authorization header (RFC 6750); undefined when it holds none of ours. */
export function bearerToken(header: string | undefined): string | undefined {
  const token = /^bearer +(\S+)$/i.exec(header ?? '')?.[1];
  return token !== undefined && TOKEN.test(token) ? token : undefined;
}

interface NewApiToken {
  readonly name: string;
  readonly role: Role;
  /** Id of the person whose it becomes; without: the machine's. */
  readonly owner?: string | null;
  readonly scopes?: readonly string[] | undefined;
  readonly expiresInSeconds?: number | undefined;
}

/** `token` is returned here and nowhere else. */
export async function createToken(
  { db, clock }: { db: PostgresJsDatabase; clock: Clock },
  { name, role, owner = null, scopes, expiresInSeconds }: NewApiToken,
  actor: AuditActor,
): Promise<{ id: string; token: string }> {
  const id = randomUUID();
  const token = `wafer_${randomBytes(32).toString('base64url')}`;
  const at = clock.now();
  const expires = expiresInSeconds === undefined ? null : at + Seconds(expiresInSeconds);
  const made = { id, name, role, owner, hash: hashToken(token), expires, scopes: scopes ?? null };
  await insertToken(db, made, actor, at);
  return { id, token };
}
