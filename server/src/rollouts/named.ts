/** Which rollouts speak of a group. */
import { ENDED_ROLLOUTS } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import { jsonb, textArray } from '../db/values.ts';

/** Rows (number, name) of those that have not ended and name it among their devices or in a wave. */
export const openRolloutsNaming = (group: string): SQL => sql`
  select number, name from rollouts
  where state <> all(${textArray([...ENDED_ROLLOUTS])})
    and (spec->'among'->>'group' = ${group}
      or spec->'waves' @> ${jsonb([{ devices: { of: 'group', group } }])})`;
