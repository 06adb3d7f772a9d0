/**
 * Offline metadata that brings no release: other keys, thresholds and delegations, a raised floor, the
 * same for another year. Checked as a device would (TUF 1.0, clauses 5.3 and 5.6), stored whole or not
 * at all, and told to the devices that it concerns, in one statement.
 */
import { WaferError, type AppName, type NextMetadata } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import type { z } from 'zod';
import { auditRow, type AuditActor } from '../audit/index.ts';
import { instant, textArray } from '../db/values.ts';
import type { Deps } from '../deps.ts';
import { makeBlob } from './blob.ts';
import { heldBy, pairFor } from './held.ts';
import { mustBeNext, mustBeSigned, mustNotBeExpired, receiveDoc, type Doc, type Kind } from './metadata.ts';
import { nextOnline } from './online.ts';
import { floorOf, mustAddNothing } from './role.ts';
import { insertBlob, readTrust, storeMetadata, type Trust } from './store.ts';
import { checkNextRoot, checkNextTargets, directorBlob, directorOf, mustBeDelegated } from './trust.ts';

type Request = z.infer<typeof NextMetadata>;

/** Publishers may come between read and write this often before it is told as a conflict. */
const ATTEMPTS = 20;

/** Throws release.metadata-invalid, trust.signature-invalid, trust.version-conflict, trust.not-initialised. */
export async function acceptNext(deps: Deps, request: Request, actor: AuditActor): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const trust = await readTrust(deps.db, 'all');
    if (trust === undefined)
      throw new WaferError('trust.not-initialised', 'Send the first root and targets to POST /trust.');
    if (await store(deps, trust, check(deps, trust, request), actor)) return;
  }
  throw new WaferError('trust.version-conflict', 'Too many others publish at this moment. Try again.');
}

interface Next {
  readonly root: Doc<'root'> | undefined;
  readonly targets: Doc<'targets'> | undefined;
  readonly roles: readonly Doc<'targets'>[];
}

function check(deps: Deps, trust: Trust, request: Request): Next {
  const now = deps.clock.now();
  const held = heldBy(deps.signers);
  const root = request.root && receiveDoc('root', 'root', request.root);
  const targets = request.targets && receiveDoc('targets', 'targets', request.targets);
  const roles = Object.entries(request.roles).map(([app, role]) => receiveDoc('targets', app, role));
  if (root !== undefined) checkNextRoot(trust.root, root, held, now);
  const rootAfter = root ?? trust.root;
  const unchanged = trust.roles.filter(({ role }) => !roles.some((next) => next.role === role));
  if (targets !== undefined)
    checkNextTargets(rootAfter, trust.targets, targets, [...unchanged, ...roles], held, now);
  else mustBeSigned(rootAfter, trust.targets);
  for (const role of roles) checkRole(trust, targets ?? trust.targets, role, now);
  return { root, targets, roles };
}

function checkRole(trust: Trust, delegator: Doc<'targets'>, next: Doc<'targets'>, nowMs: number): void {
  const app = next.role as AppName;
  const old = trust.roles.find(({ role }) => role === app);
  mustBeDelegated(delegator, app);
  mustBeSigned(delegator, next);
  mustBeNext(next, old?.version ?? 0);
  mustNotBeExpired(next, nowMs);
  mustAddNothing(app, old, next);
}

async function store(deps: Deps, trust: Trust, next: Next, actor: AuditActor): Promise<boolean> {
  const at = deps.clock.now();
  const { root, targets, roles } = next;
  const pair = await pairFor(deps.signers, root ?? trust.root);
  const changed = [...(targets === undefined ? [] : [targets]), ...roles];
  const { snapshot, timestamp } = nextOnline(trust, changed, pair, at);
  const docs: Doc<Kind>[] = [...(root === undefined ? [] : [root]), ...changed, snapshot, timestamp];
  const { action, subject } = described(next);
  const event = { actor, at, action, subject, before: summary(trust, next), after: summary(next, next) };
  const ctes = [sql`audited as (${auditRow(event)})`];
  if (
    targets !== undefined &&
    !directorBlob(directorOf(targets)).equals(directorBlob(directorOf(trust.targets)))
  )
    ctes.push(insertBlob(await makeBlob(directorBlob(directorOf(targets))), at), tellEverybody(at));
  else {
    const risen = roles.filter((role) => floorOf(role.role as AppName, role) > floorBefore(trust, role));
    if (risen.length > 0)
      ctes.push(
        tellUsersOf(
          risen.map(({ role }) => role),
          at,
        ),
      );
  }
  return storeMetadata(deps.db, docs, ...ctes);
}

const floorBefore = ({ roles }: Trust, { role: app }: Doc<'targets'>): number =>
  floorOf(
    app as AppName,
    roles.find(({ role }) => role === app),
  );

/** CTE `told`: orders under the key that is obeyed from now on. */
const tellEverybody = (at: number): SQL => sql`
  told as (
    insert into outbox (device, created)
    select id, ${instant(at)} from devices where revoked is null and desired_version > 0
  )`;

/** CTE `told`: devices that were told to run one of the apps judge it again. */
const tellUsersOf = (apps: readonly string[], at: number): SQL => sql`
  told as (
    insert into outbox (device, created)
    select distinct device, ${instant(at)} from assignments where app = any(${textArray(apps)})
  )`;

function described({ root, targets, roles }: Next): { action: string; subject: string } {
  if (root !== undefined) return { action: 'trust.root-rotated', subject: 'trust' };
  if (targets !== undefined) return { action: 'trust.targets-signed', subject: 'trust' };
  return { action: 'trust.role-signed', subject: roles.map(({ role }) => `app:${role}`).join(' ') };
}

/** Who may sign what, of the documents that `next` changes. */
function summary(from: (Pick<Trust, 'roles'> & Partial<Trust>) | Next, next: Next): Record<string, unknown> {
  const { root, targets, roles } = from;
  return {
    ...(next.root && root
      ? {
          root: root.version,
          keys: Object.fromEntries(
            Object.entries(root.meta.signed.roles).map(([name, { keyIDs, threshold }]) => [
              name,
              { keyIDs, threshold },
            ]),
          ),
        }
      : {}),
    ...(next.targets && targets
      ? {
          targets: targets.version,
          director: Object.keys(directorOf(targets).keys),
          apps: Object.fromEntries(
            Object.entries(targets.meta.signed.delegations?.roles ?? {}).map(
              ([app, { keyIDs: keys, threshold }]) => [app, { keys, threshold }],
            ),
          ),
        }
      : {}),
    roles: Object.fromEntries(
      roles
        .filter(({ role }) => next.roles.some((each) => each.role === role))
        .map((role) => [role.role, { version: role.version, floor: floorOf(role.role as AppName, role) }]),
    ),
  };
}
