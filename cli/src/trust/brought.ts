/**
 * May the keys of this folder sign a change that somebody else brought? It must start from what this folder
 * trusts, down to the roles that it changes, so that what is shown as a difference is one; and the role of an
 * app must speak for that app alone, since nothing in a signed role says whose it is.
 */
import { type AppName, delegatedPaths, WaferError } from '@wafer/protocol';
import { isDeepStrictEqual } from 'node:util';
import { type Anchor, anchorOf, follow, heldRoot } from './anchor.ts';
import { TargetsDocument } from './documents.ts';
import type { Keyring } from './keyring.ts';
import type { Pending } from './pending.ts';
import { verifyRole } from './verify.ts';

const differs = (why: string) =>
  new WaferError('trust.signature-invalid', `this change is not to be signed: ${why}. Nothing was signed`);

/**
 * A folder without root.json belongs to someone who signs for the first time: they are shown what they
 * sign, and cannot be shown more. Throws trust.signature-invalid.
 */
export async function mustStartHere(pending: Pending, keyring: Keyring): Promise<{ anchored: boolean }> {
  mustSpeakForThemselves(pending);
  if ((await keyring.root()) === undefined) return { anchored: false };
  const root = startingRoot(pending, await heldRoot(keyring));
  const { targets, roles } = pending.base;
  if (targets === undefined) {
    if (pending.targets !== undefined || Object.keys(pending.roles).length > 0)
      throw differs('it does not say from which targets it starts');
    return { anchored: true };
  }
  const seen = await keyring.seen();
  const { metadata } = verifyRole(root.metadata, 'targets', targets, seen['targets'] ?? 1);
  for (const app of Object.keys(pending.roles) as AppName[]) {
    const before = roles[app];
    if (before !== undefined) verifyRole(metadata, app, before, seen[app] ?? 1);
    else if (seen[app] !== undefined) throw differs(`it hides what ${app} has published`);
  }
  return { anchored: true };
}

function startingRoot({ base }: Pending, held: Anchor): Anchor {
  if (base.root === undefined) throw differs('it founds a server, and this folder trusts one already');
  const anchor = anchorOf(JSON.stringify(base.root));
  const { version } = anchor.document;
  if (version === held.document.version + 1) return follow(held, base.root);
  if (version !== held.document.version)
    throw differs(
      `it starts from root version ${version}, and this folder trusts version ${held.document.version}; run wafer keys status to catch up`,
    );
  if (!isDeepStrictEqual(plain(base.root.signed), plain(held.signed.signed)))
    throw differs(`it starts from another root version ${version} than this folder trusts`);
  return anchor;
}

function mustSpeakForThemselves({ roles }: Pending): void {
  for (const [app, { signed }] of Object.entries(roles)) {
    const { targets, delegations } = TargetsDocument.parse(signed);
    if (delegations !== undefined) throw differs(`the role of ${app} delegates further`);
    const foreign = Object.keys(targets).find((path) => !isPathOf(app as AppName, path));
    if (foreign !== undefined) throw differs(`the role of ${app} speaks for ${foreign}`);
  }
}

const isPathOf = (app: AppName, path: string): boolean =>
  delegatedPaths(app).some((pattern) => {
    const [wanted, given] = [pattern.split('/'), path.split('/')];
    return wanted.length === given.length && wanted.every((part, at) => part === '*' || part === given[at]);
  });

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
