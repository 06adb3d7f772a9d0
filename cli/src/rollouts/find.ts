/** A rollout as it is typed: its id, or the number that people see, `3` or `#3`. */
import { RolloutId, WaferError, type RolloutView } from '@wafer/protocol';
import type { Api } from '../api/client.ts';

const isNumber = (typed: string): boolean => /^#?\d{1,9}$/.test(typed);
const numberOf = (typed: string): number => Number(typed.replace('#', ''));

/** Throws rollout.not-found, cli.usage. */
export async function findRollout(api: Api, typed: string): Promise<RolloutView> {
  return isNumber(typed) ? api.rolloutNumbered(numberOf(typed)) : api.rollout(parseId(typed));
}

/** Throws rollout.not-found, cli.usage. */
export const findRolloutId = async (api: Api, typed: string): Promise<RolloutId> =>
  isNumber(typed) ? (await api.rolloutNumbered(numberOf(typed))).id : parseId(typed);

function parseId(typed: string): RolloutId {
  const parsed = RolloutId.safeParse(typed);
  if (parsed.success) return parsed.data;
  throw new WaferError('cli.usage', `"${typed}" is no rollout: write its number, or its id`);
}
