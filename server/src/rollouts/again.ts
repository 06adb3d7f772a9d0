/** Statements that lock many rows may meet each other; Postgres then ends one of them, whole. */
import { failureCode } from '../db/failures.ts';

/** SQLSTATE: deadlock detected, serialization failure. */
const MET_ANOTHER: ReadonlySet<string> = new Set(['40P01', '40001']);
const ATTEMPTS = 10;

/** Runs a single statement again when it was chosen as the victim; nothing of it was stored. */
export async function untilNoDeadlock<T>(run: () => PromiseLike<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (attempt === ATTEMPTS || !MET_ANOTHER.has(failureCode(error) ?? '')) throw error;
    }
  }
}
