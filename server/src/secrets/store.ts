/** SQL of this context: a change is one statement with what follows from it for devices. */
import type { AppName } from '@wafer/protocol';
import { asc, eq, getTableColumns, sql, type SQL } from 'drizzle-orm';
import { auditRow, type AuditActor } from '../audit/index.ts';
import type { Deps } from '../deps.ts';
import { instant, textArray } from '../db/values.ts';
import { alignment, untilNoDeadlock } from '../rollouts/index.ts';
import { channelOf, type Place, type SecretRow } from './secret.ts';
import { appSecrets } from './tables.ts';

/** What the app has, by name, values left out. */
export async function readSecrets(db: Deps['db'], app: AppName): Promise<SecretRow[]> {
  const { locked: _, ...columns } = getTableColumns(appSecrets);
  return db
    .select(columns)
    .from(appSecrets)
    .where(eq(appSecrets.app, app))
    .orderBy(asc(appSecrets.name), asc(appSecrets.channel));
}

/** `changed` makes the CTE `secret_changed(app, channel, name, id)`; undefined when it had no row. */
async function change(
  deps: Pick<Deps, 'db' | 'clock'>,
  place: Place,
  { actor, action, at, changed }: { actor: AuditActor; action: string; at: number; changed: SQL },
): Promise<{ devices: number } | undefined> {
  const { app, scope, name } = place;
  // What was there before this statement; values are in neither.
  const before = sql`(select jsonb_build_object('name', name, 'channel', nullif(channel, '*'),
    'set', set_at, 'by', set_by) from app_secrets
    where app = ${app} and channel = ${scope} and name = ${name})`;
  const after = action === 'secret.removed' ? undefined : { name, channel: channelOf(scope) };
  const audit = auditRow({ actor, at, action, subject: `app:${app}`, before, after }, sql`secret_changed`);
  const [row] = await untilNoDeadlock(() =>
    deps.db.execute<{ devices: number }>(sql`
      with secret_changed as (${changed}),
      ${alignment({ secretsOf: app }, at)},
      audited as (${audit})
      select (select count(*)::integer from touched) as devices from secret_changed`),
  );
  return row;
}

export interface NewValue extends Place {
  readonly id: string;
  readonly locked: string;
  readonly bytes: number;
  readonly actor: AuditActor;
}

/** Sets it if the app still has just what was read (`held`); undefined when it has not. */
export function storeSecret(
  deps: Pick<Deps, 'db' | 'clock'>,
  { id, locked, bytes, actor, ...place }: NewValue,
  held: readonly SecretRow[],
): Promise<{ devices: number } | undefined> {
  const at = deps.clock.now();
  const { app, scope, name } = place;
  const changed = sql`
    insert into app_secrets as s (app, channel, name, id, locked, bytes, set_at, set_by)
    select ${app}::text, ${scope}::text, ${name}::text, ${id}::uuid, ${locked}::text, ${bytes}::integer,
      ${instant(at)}, ${actor.audit}::text
    where array(select id::text from app_secrets where app = ${app} order by 1)
      = array(select unnest(${textArray(held.map((row) => row.id))}) order by 1)
    on conflict (app, channel, name) do update
    set id = excluded.id, locked = excluded.locked, bytes = excluded.bytes, set_at = excluded.set_at,
      set_by = excluded.set_by
    returning s.app, s.channel, s.name, s.id`;
  return change(deps, place, { actor, action: 'secret.set', at, changed });
}

/** Undefined when there was none. */
export function deleteSecret(
  deps: Pick<Deps, 'db' | 'clock'>,
  place: Place,
  actor: AuditActor,
): Promise<{ devices: number } | undefined> {
  const { app, scope, name } = place;
  const changed = sql`
    delete from app_secrets where app = ${app} and channel = ${scope} and name = ${name}
    returning app, channel, name, null::uuid as id`;
  return change(deps, place, { actor, action: 'secret.removed', at: deps.clock.now(), changed });
}
