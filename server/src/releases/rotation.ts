/**
 * Successors of the keys that the server holds. It makes them, on command or when a key has reached its
 * age, and cannot do more: only root and targets, signed offline, bring them into use. What they have
 * replaced is removed from the disk.
 */
import { Days, WaferError, type OnlineKeyRole, type OnlineKeys } from '@wafer/protocol';
import { auditRow, SERVER_ACTOR, type AuditActor } from '../audit/index.ts';
import type { Deps } from '../deps.ts';
import { namedBy } from './held.ts';
import { onlineKeys, waiting, type Named } from './signers.ts';
import { readTrust } from './store.ts';

const ROLES = ['snapshot', 'timestamp', 'director'] as const;

async function namedNow({ db }: Deps): Promise<Named | undefined> {
  const trust = await readTrust(db, []);
  return trust && namedBy(trust.root, trust.targets);
}

export const currentOnlineKeys = async (deps: Deps): Promise<OnlineKeys> =>
  onlineKeys(deps.signers, await namedNow(deps));

/** A role whose successor waits already gets no second one. Throws trust.not-initialised. */
export async function makeSuccessors(
  deps: Deps,
  roles: readonly OnlineKeyRole[],
  actor: AuditActor,
): Promise<OnlineKeys> {
  const named = await namedNow(deps);
  if (named === undefined)
    throw new WaferError('trust.not-initialised', 'The first keys of this server are not in use yet.');
  const made: Record<string, string> = {};
  for (const role of roles)
    if (waiting(deps.signers, role, named) === undefined) made[role] = (await deps.signers.makeNext(role)).id;
  if (Object.keys(made).length > 0)
    await deps.db.execute(
      auditRow({
        actor,
        at: deps.clock.now(),
        action: 'trust.successors-made',
        subject: 'trust',
        after: made,
      }),
    );
  return onlineKeys(deps.signers, named);
}

/** Called now and then: makes successors of what is too old, and forgets what was replaced. */
export async function keepKeysYoung(deps: Deps): Promise<void> {
  const named = await namedNow(deps);
  if (named === undefined) return;
  const { signers, config, clock } = deps;
  // The key that a role has now, and all that came before it and are named nowhere.
  const replaced = ROLES.flatMap((role) => {
    const held = signers.held(role);
    const signing = held.findLast(({ id }) => named[role].includes(id));
    return held.filter(
      ({ id, number }) => signing !== undefined && number < signing.number && !named[role].includes(id),
    );
  });
  if (replaced.length > 0) await signers.drop(replaced);
  if (config.onlineKeyDays === 0) return;
  const oldest = clock.now() - Days(config.onlineKeyDays);
  const due = ROLES.filter((role) => (signers.held(role).at(-1)?.made.getTime() ?? 0) <= oldest);
  if (due.length > 0) await makeSuccessors(deps, due, SERVER_ACTOR);
}
