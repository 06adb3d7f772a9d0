/**
 * One key, one vote. Key ids are names that whoever signs the list of keys gives: the same key under
 * two of them (with a further field, or in another encoding) would count twice towards a threshold,
 * so that one stolen key of two would do. TUF 1.0 clause 4.2 makes ids hashes, which does not exclude
 * it; tuf-js 6 counts ids. So a role that lists one key twice is refused before tuf-js sees it.
 */
import { getPublicKey } from '@tufjs/models/dist/utils/key.js';
import { FaultError } from '@wafer/protocol';
import { z } from 'zod';

const Keys = z.record(
  z.string(),
  z.looseObject({
    keytype: z.string(),
    scheme: z.string(),
    keyval: z.looseObject({ public: z.string() }),
  }),
);
const Roles = z.array(z.looseObject({ keyids: z.array(z.string()) }));

/** What metadata says of keys, as far as roots and targets say something; other roles have neither. */
const Listing = z.looseObject({
  signed: z.looseObject({
    keys: Keys.optional(),
    roles: z.record(z.string(), Roles.element).optional(),
    delegations: z
      .looseObject({ keys: Keys, roles: Roles.optional(), succinct_roles: Roles.element.optional() })
      .optional(),
  }),
});

/** Throws a `signature` fault. What is malformed otherwise is left for tuf-js to refuse. */
export function refuseTwins(bytes: Buffer): void {
  const parsed = Listing.safeParse(JSON.parse(bytes.toString('utf8')));
  if (!parsed.success) return;
  const { keys = {}, roles = {}, delegations } = parsed.data.signed;
  for (const { keyids } of Object.values(roles)) refuseTwinsOf(keyids, keys);
  if (delegations === undefined) return;
  const { roles: delegated = [], succinct_roles: bins } = delegations;
  for (const { keyids } of bins === undefined ? delegated : [...delegated, bins]) {
    refuseTwinsOf(keyids, delegations.keys);
  }
}

function refuseTwinsOf(keyids: readonly string[], keys: z.infer<typeof Keys>): void {
  const seen = new Set<string>();
  for (const id of keyids) {
    const key = Object.hasOwn(keys, id) ? keys[id] : undefined;
    const identity = key && publicBytes(key);
    if (identity === undefined) continue;
    if (seen.has(identity)) throw new FaultError('signature', `one key is listed twice, again as ${id}`, id);
    seen.add(identity);
  }
}

/** The key as tuf-js will use it; undefined for one that it cannot use, which then has no vote. */
function publicBytes({ keytype, scheme, keyval }: z.infer<typeof Keys>[string]): string | undefined {
  try {
    const { key } = getPublicKey({ keyType: keytype, scheme, keyVal: keyval.public });
    return key.export({ type: 'spki', format: 'der' }).toString('base64');
  } catch {
    return undefined;
  }
}
