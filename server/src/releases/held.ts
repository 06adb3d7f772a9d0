/** What the server holds and what the chain names, as the rules want it. */
import type { KeyObject } from 'node:crypto';
import { DirectorKeys, type OnlineKeyRole } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { Deps } from '../deps.ts';
import type { Doc } from './metadata.ts';
import type { OnlinePair } from './online.ts';
import type { Named, OnlineSigners } from './signers.ts';
import { directorOf, type Held } from './trust.ts';

/** Public halves of every key that the server holds. */
export function heldBy(signers: OnlineSigners): Held {
  const of = (role: OnlineKeyRole) => Object.fromEntries(signers.held(role).map(({ id, hex }) => [id, hex]));
  return { snapshot: of('snapshot'), timestamp: of('timestamp'), director: of('director') };
}

export const namedBy = (root: Doc<'root'>, targets: Doc<'targets'>): Named => ({
  snapshot: root.meta.signed.roles['snapshot']?.keyIDs ?? [],
  timestamp: root.meta.signed.roles['timestamp']?.keyIDs ?? [],
  director: Object.keys(directorOf(targets).keys),
});

/** The keys that sign snapshot and timestamp under this root. */
export async function pairFor(signers: OnlineSigners, root: Doc<'root'>): Promise<OnlinePair> {
  const { roles } = root.meta.signed;
  return {
    snapshot: await signers.signerOf('snapshot', roles['snapshot']?.keyIDs ?? []),
    timestamp: await signers.signerOf('timestamp', roles['timestamp']?.keyIDs ?? []),
  };
}

/** The key that signs desired state: the newest that the current targets name. */
export async function directorSigner({ db, signers }: Pick<Deps, 'db' | 'signers'>): Promise<KeyObject> {
  const [row] = await db.execute<{ custom: unknown }>(sql`
    select content::jsonb #> '{signed,targets,director/keys.json,custom}' as custom
    from tuf_metadata where role = 'targets' order by version desc limit 1`);
  const named = DirectorKeys.safeParse(row?.custom);
  // Without targets no device trusts anybody yet.
  const ids = named.success ? Object.keys(named.data.keys) : signers.held('director').map(({ id }) => id);
  return signers.signerOf('director', ids);
}
