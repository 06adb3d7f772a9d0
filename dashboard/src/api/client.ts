/**
 * The one way to ask the server: same origin, session cookie, answers parsed with the protocol's
 * schemas. Whatever goes wrong is a RequestFailed that says it in the server's own words.
 */
import { API_ROOT } from '@wafer/protocol/api';
import { Problem } from '@wafer/protocol/errors';

interface Schema<T> {
  parse(value: unknown): T;
}

interface Options {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Revision that was seen: refused if there is another now. */
  readonly ifMatch?: number;
  /** Where `path` begins; the API if it is not said. */
  readonly root?: string;
}

/** `code` is an ErrorCode, or `link.unreachable` / `answer.unreadable` when there is no problem document. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed';
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly places: readonly { path: string; message: string }[];

  constructor(failure: {
    status: number;
    code: string;
    title: string;
    detail: string;
    places?: readonly { path: string; message: string }[] | undefined;
  }) {
    super(failure.detail);
    this.status = failure.status;
    this.code = failure.code;
    this.title = failure.title;
    this.places = failure.places ?? [];
  }
}

const isSignedOutStatus = 401;
export const isSignedOut = (error: unknown): boolean =>
  error instanceof RequestFailed && error.status === isSignedOutStatus;

/** What a failed answer says; bodies that are no problem document become a plain sentence. */
export function failureOf(status: number, body: unknown): RequestFailed {
  const problem = Problem.safeParse(body);
  if (problem.success) {
    const { code, title, detail, errors } = problem.data;
    return new RequestFailed({ status, code, title, detail, places: errors });
  }
  return new RequestFailed({
    status,
    code: 'answer.unreadable',
    title: 'The server gave an answer that this page does not understand',
    detail: `It answered with status ${status} and no explanation. Reload the page; if it stays, look at the server's log.`,
  });
}

async function send(
  path: string,
  { method = 'GET', body, signal, ifMatch, root = API_ROOT }: Options,
): Promise<Response> {
  try {
    return await fetch(`${root}${path}`, {
      method,
      credentials: 'same-origin',
      headers: {
        accept: 'application/json, application/problem+json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new RequestFailed({
      status: 0,
      code: 'link.unreachable',
      title: 'The server cannot be reached',
      detail: 'It may be stopped or restarting. This page keeps trying.',
    });
  }
}

/** Asks and parses; `schema` undefined means that the answer has no body. */
export async function call<T>(schema: Schema<T>, path: string, options: Options = {}): Promise<T> {
  const response = await send(path, options);
  const text = await response.text();
  let body: unknown;
  try {
    body = text === '' ? undefined : JSON.parse(text);
  } catch {
    body = undefined;
  }
  if (!response.ok) throw failureOf(response.status, body);
  try {
    return schema.parse(body);
  } catch {
    throw failureOf(response.status, undefined);
  }
}

/** For answers without a body. */
export const nothing: Schema<void> = { parse: () => undefined };
