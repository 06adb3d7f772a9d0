/** What an error of the database means. Drizzle wraps the driver's error; the code is in the cause. */

/** postgres.js and Node: no connection, or it went while the statement was under way. */
const CONNECTION_CODES: ReadonlySet<string> = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

/** SQLSTATE: shut down by an administrator, crash, starting up, too many connections. */
const AWAY_STATES: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03', '53300']);

/** SQLSTATE: not in the character set, an escape that JSON allows and jsonb cannot hold. */
const UNSTORABLE_STATES: ReadonlySet<string> = new Set(['22021', '22P05']);

/** The driver's code or the SQLSTATE, from however deep it lies. */
export function failureCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1)
    if ('code' in at && typeof at.code === 'string') return at.code;
  return undefined;
}

/** True when the statement may be tried again once the database is back. */
export function isUnavailable(error: unknown): boolean {
  const code = failureCode(error);
  return code !== undefined && (CONNECTION_CODES.has(code) || AWAY_STATES.has(code) || code.startsWith('08'));
}

/** SQLSTATE class 23: unique, foreign key, check. */
export const isConflict = (error: unknown): boolean => failureCode(error)?.startsWith('23') === true;

/** The statement was ended so that another could go on; nothing of it is left. */
export const isDeadlock = (error: unknown): boolean => failureCode(error) === '40P01';

export const isUnstorable = (error: unknown): boolean => UNSTORABLE_STATES.has(failureCode(error) ?? '');

/**
 * The one row of a statement that gives one whatever it finds. Throws what `isUnavailable` knows where
 * there is none: then the answer was lost with the connection, and says nothing.
 */
export function onlyRow<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined)
    throw Object.assign(new Error('the database gave no answer'), { code: 'CONNECTION_CLOSED' });
  return row;
}
