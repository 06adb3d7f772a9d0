/** The floor of an app as its publisher last signed it. */
import type { AppName } from '@wafer/protocol';
import type { Deps } from '../deps.ts';
import { readDoc } from './metadata.ts';
import { floorOf } from './role.ts';
import { latestText } from './store.ts';

/** Lowest counter that devices still run; a move below it would only make them refuse. */
export async function currentFloor(db: Deps['db'], app: AppName): Promise<number> {
  const text = await latestText(db, app);
  return text === undefined ? 0 : floorOf(app, readDoc('targets', app, text.content));
}
