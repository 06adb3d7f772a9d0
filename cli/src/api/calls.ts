/**
 * A call of the API: a request, an answer that is parsed with the schema that the server's own routes
 * validate by, and a problem as a `WaferError` with the problem's code.
 *
 * Changes carry an `Idempotency-Key`. If the line breaks before the answer has come, nobody here knows
 * whether the change was made; so it is sent again with the same key, and the server makes it once.
 */
import { API_ROOT, type ErrorCode, Problem, WaferError } from '@wafer/protocol';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Credentials } from '../account/credentials.ts';
import type { Context } from '../context.ts';
import { type Answer, exchange, type Exchange, isBroken } from './transport.ts';

/** Between attempts at a change whose line broke; a server that is restarted is back within these. */
const AGAIN_AFTER_MS = [100, 400, 1000, 2000, 4000, 8000];

type Given = Omit<Exchange, 'idempotencyKey'>;

export interface Calls {
  readonly get: <T extends z.ZodType>(schema: T, path: string) => Promise<z.infer<T>>;
  /** A POST that changes nothing. */
  readonly ask: <T extends z.ZodType>(schema: T, path: string, body: object) => Promise<z.infer<T>>;
  /** A change. */
  readonly send: <T extends z.ZodType>(
    schema: T,
    method: 'POST' | 'PUT' | 'PATCH',
    path: string,
    body: object,
  ) => Promise<z.infer<T>>;
  /** A change without a body, or with one that is not JSON. */
  readonly call: <T extends z.ZodType>(schema: T, what: Given) => Promise<z.infer<T>>;
}

export function createCalls(credentials: Credentials, sleep: Context['sleep']): Calls {
  const once = async <T extends z.ZodType>(schema: T, what: Exchange): Promise<z.infer<T>> => {
    const full = { ...what, path: API_ROOT + what.path };
    const answer = await exchange(credentials, full);
    if (answer.status < 200 || answer.status > 299) throw refusalOf(answer, full);
    return parseAnswer(schema, jsonOf(answer.bytes.toString('utf8')), `${full.method} ${full.path}`);
  };
  const change: Calls['call'] = (schema, what) => {
    const keyed = { ...what, idempotencyKey: randomUUID() };
    return untilAnswered(() => once(schema, keyed), sleep);
  };
  const json = (body: object) => ({
    type: 'application/json',
    bytes: Buffer.from(JSON.stringify(body), 'utf8'),
  });
  return {
    get: (schema, path) => once(schema, { method: 'GET', path }),
    ask: (schema, path, body) => once(schema, { method: 'POST', path, body: json(body) }),
    send: (schema, method, path, body) => change(schema, { method, path, body: json(body) }),
    call: change,
  };
}

/**
 * A first attempt that finds nobody ends it: nothing was sent. Once a line has broken, a server that is
 * not there yet, or that still works on the first request with this key, is waited for.
 */
async function untilAnswered<T>(attempt: () => Promise<T>, sleep: Context['sleep']): Promise<T> {
  let isUnknown = false;
  for (const wait of [...AGAIN_AFTER_MS, undefined]) {
    try {
      return await attempt();
    } catch (error) {
      const isUnanswered = isBroken(error) || (isUnknown && isNotYet(error));
      if (!isUnanswered) throw error;
      if (wait === undefined) throw unknownOutcome(error);
      isUnknown = true;
      await sleep(wait);
    }
  }
  throw new Error('the last attempt returns or throws');
}

const NOT_YET: ReadonlySet<ErrorCode> = new Set([
  'server.unreachable',
  'server.unavailable',
  'request.in-progress',
]);
const isNotYet = (error: unknown): boolean => error instanceof WaferError && NOT_YET.has(error.code);

const unknownOutcome = (error: unknown): WaferError =>
  new WaferError(
    'server.unreachable',
    `the connection broke and no answer came: look whether the change was made before you try again (${error instanceof Error ? error.message : String(error)})`,
    { cause: error },
  );

export function parseAnswer<T extends z.ZodType>(schema: T, json: unknown, what: string): z.infer<T> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new WaferError(
    'server.internal',
    `${what} gave an answer that this version does not understand: ${z.prettifyError(parsed.error)}`,
  );
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The problem that the server stated, or the nearest code when what answered is not Wafer. */
function refusalOf(answer: Answer, { method, path }: Exchange): WaferError {
  const problem = Problem.safeParse(jsonOf(answer.bytes.toString('utf8')));
  if (!problem.success)
    return new WaferError(
      codeOfStatus(answer.status),
      `${method} ${path} was answered with status ${answer.status}`,
    );
  const { code, detail, errors = [] } = problem.data;
  const places = errors
    .map((error) => `${error.path}: ${error.message}`)
    .filter((line) => !detail.includes(line));
  return new WaferError(code, places.length === 0 ? detail : `${detail} (${places.join('; ')})`);
}

function codeOfStatus(status: number): ErrorCode {
  switch (status) {
    case 401:
      return 'auth.required';
    case 403:
      return 'auth.forbidden';
    case 404:
      return 'request.not-found';
    case 413:
      return 'request.too-large';
    case 429:
      return 'request.rate-limited';
    case 502:
    case 503:
    case 504:
      return 'server.unavailable';
    default:
      return 'server.internal';
  }
}
