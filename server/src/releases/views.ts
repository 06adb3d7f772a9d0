/** Releases as the API shows them, newest first. */
import type { AppName, ReleaseView, Version } from '@wafer/protocol';
import { WaferError } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { cutPage } from '../http/page.ts';
import { instant } from '../db/values.ts';
import { releases } from './tables.ts';

const columns = {
  release: releases,
  // Written by hand because channels/ imports this context; the name of its table is all that is known
  // here. Qualified by hand because Drizzle names no table in a select from one: in the subquery a
  // bare `version` would be the channel's own.
  channels: sql<ReleaseView['channels']>`to_jsonb(array(
    select channel from channel_apps
    where channel_apps.app = releases.app and channel_apps.version = releases.version
    order by channel))`,
};

async function select(db: Deps['db'], where: SQL, limit: number): Promise<ReleaseView[]> {
  const rows = await db
    .select(columns)
    .from(releases)
    .where(where)
    .orderBy(sql`${releases.published} desc, ${releases.app} desc, ${releases.counter} desc`)
    .limit(limit);
  return rows.map(({ release, channels }) => ({
    ...release,
    published: release.published.toISOString(),
    channels,
  }));
}

export async function releaseView(db: Deps['db'], app: AppName, version: Version): Promise<ReleaseView> {
  const [found] = await select(db, sql`${releases.app} = ${app} and ${releases.version} = ${version}`, 1);
  if (found === undefined)
    throw new WaferError('release.not-found', `There is no release ${version} of ${app}.`);
  return found;
}

const Cursor = z.tuple([
  z.coerce.number().int().min(0).max(8.64e15),
  z.string(),
  z.coerce.number().int().min(0).max(0x7fff_ffff),
]);

const cursorOf = ({ published, app, counter }: ReleaseView): string =>
  `${Date.parse(published)}~${app}~${counter}`;

export async function listReleases(
  db: Deps['db'],
  { cursor, limit }: { cursor?: string | undefined; limit: number },
): Promise<{ items: ReleaseView[]; next?: string }> {
  const { items, next } = cutPage(
    await select(db, cursor === undefined ? sql`true` : behind(cursor), limit + 1),
    limit,
    cursorOf,
  );
  return { items, ...next };
}

function behind(cursor: string): SQL {
  const parsed = Cursor.safeParse(cursor.split('~'));
  if (!parsed.success)
    throw new WaferError('request.invalid', 'querystring/cursor: take it from `next` of the page before.');
  const [published, app, counter] = parsed.data;
  return sql`(${releases.published}, ${releases.app}, ${releases.counter}) < (${instant(published)}, ${app}, ${counter})`;
}
