/**
 * One HTTP exchange. node:http rather than fetch, because a private CA and the progress of an
 * upload are both out of fetch's reach. Whatever keeps an answer from arriving is
 * `server.unreachable`, in a line that says what to do.
 */
import { WaferError } from '@wafer/protocol';
import { request as httpRequest, type IncomingMessage, type ClientRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Credentials } from '../account/credentials.ts';

/** Longest that a connection may be silent. */
const IDLE_TIMEOUT_MS = 30_000;
/** Answers are JSON for people and scripts; a server that sends more than this is broken. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const WRITE_BYTES = 64 * 1024;

export interface Exchange {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly body?: { readonly type: string; readonly bytes: Uint8Array };
  /** Told how many bytes of the body have been handed to the socket. */
  readonly onProgress?: (sentBytes: number) => void;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly bytes: Buffer;
}

export async function exchange(credentials: Credentials, what: Exchange): Promise<Answer> {
  const url = new URL(what.path, credentials.api);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = send(url, {
    method: what.method,
    agent: false,
    timeout: IDLE_TIMEOUT_MS,
    headers: {
      accept: 'application/json',
      authorization: `Bearer ${credentials.token}`,
      ...(what.body && { 'content-type': what.body.type, 'content-length': what.body.bytes.length }),
    },
    ...(credentials.ca === undefined ? {} : { ca: credentials.ca }),
  });
  request.on('timeout', () => request.destroy(new Error('no answer for 30 seconds')));
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  // A server may refuse (413, 401) before it has read the body: its answer counts, not the broken pipe.
  const sent = sendBody(request, what).catch(() => undefined);
  try {
    const [response] = await answered;
    const answer = await readAnswer(response);
    request.destroy();
    return answer;
  } catch (error) {
    throw new WaferError('server.unreachable', `cannot reach ${credentials.api}: ${reasonOf(error)}`, {
      cause: error,
    });
  } finally {
    await sent;
  }
}

async function sendBody(request: ClientRequest, { body, onProgress }: Exchange): Promise<void> {
  await pipeline(Readable.from(partsOf(body?.bytes, onProgress)), request);
}

function* partsOf(bytes: Uint8Array = new Uint8Array(), onProgress: Exchange['onProgress']) {
  for (let offset = 0; offset < bytes.length; offset += WRITE_BYTES) {
    const end = Math.min(offset + WRITE_BYTES, bytes.length);
    yield bytes.subarray(offset, end);
    onProgress?.(end);
  }
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAX_ANSWER_BYTES) throw new Error('the answer is too long');
    parts.push(part);
  }
  return {
    status: response.statusCode ?? 0,
    type: response.headers['content-type'] ?? '',
    bytes: Buffer.concat(parts),
  };
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there; is the server running?';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name does not resolve';
    case 'ECONNRESET':
      return 'the connection was cut';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'its certificate is not trusted; sign in with wafer login --ca FILE or --ca-sha256 SHA256';
    default:
      return error instanceof Error && error.message !== '' ? error.message : String(code ?? error);
  }
}
