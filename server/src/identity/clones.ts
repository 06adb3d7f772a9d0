/**
 * GET /devices/clones: what twins.ts put on record, for those who can do something about it. The events are
 * the source, so there is nothing to keep in step; a pair that told of each other is one line. It goes when
 * one device of it is revoked (where both have one key, when both are: neither is safe), or when a week
 * passed without another event.
 */
import { CloneList, Days, type CloneReason, type CloneView } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { instant, isoInstant } from '../db/values.ts';
import type { Deps } from '../deps.ts';
import { requireRole } from '../http/auth.ts';

const TOLD_FOR = Days(7);
const MOST = 100;
const SAME_KEY: CloneReason = 'the key';

type Session = CloneView['sessions'][number];
type Device = CloneView['devices'][number];

interface Row extends Record<string, unknown> {
  readonly first: string;
  readonly last: string;
  readonly after: { readonly why: CloneView['why']; readonly earlier?: Session; readonly later?: Session };
  readonly one: Device;
  readonly other: Device;
}

const device = (row: SQL): SQL => sql`jsonb_build_object('id', ${row}.id, 'name', ${row}.name,
  'online', ${row}.online, 'revoked', ${row}.revoked is not null, 'boardSerial', ${row}.inventory->>'serial')`;

async function listClones(db: PostgresJsDatabase, at: number): Promise<CloneView[]> {
  const rows = await db.execute<Row>(sql`
    with pairs as (
      select least(subject, after->>'twin') as one, greatest(subject, after->>'twin') as other,
        min(at) as first, max(at) as last, (array_agg(after order by id desc))[1] as after
      from audit_events where action = 'device.cloned' and at > ${instant(at - TOLD_FOR)}
      group by 1, 2
    )
    select p.first, p.last, p.after, ${device(sql`a`)} as one, ${device(sql`b`)} as other
    from pairs p join devices a on a.id = p.one join devices b on b.id = p.other
    where case when p.after->>'why' = ${SAME_KEY} then a.revoked is null or b.revoked is null
               else a.revoked is null and b.revoked is null end
    order by p.last desc, p.one limit ${MOST}`);
  return rows.map(({ first, last, after: { why, earlier, later }, one, other }) => ({
    why,
    first: isoInstant(first),
    last: isoInstant(last),
    devices: one.id === other.id ? [one] : [one, other],
    sessions: earlier === undefined || later === undefined ? [] : [earlier, later],
  }));
}

export const cloneRoutes = ({ clock, db }: Pick<Deps, 'clock' | 'db'>): FastifyPluginAsyncZod => {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/devices/clones',
      // Addresses stand in it, as in the audit.
      onRequest: requireRole('operator'),
      schema: { tags: ['devices'], response: { 200: CloneList } },
      handler: async () => ({ items: await listClones(db, clock.now()) }),
    });
  };
};
