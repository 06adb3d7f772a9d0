/**
 * wasi:http — requests that a guest sends, as its grants allow them. Scheme, host, port and method are
 * judged here, before anything is sent; the network thread judges them again, and the addresses behind
 * the name. What is denied is the WIT's error for the guest, which may go on, and a `capability-denied` fault
 * on record.
 *
 * Answering requests (`incoming-handler`) is not offered; the resources for it are only there to be linked.
 */
import { grantName } from '@wafer/protocol/grant-names';
import { Refusal, WitError, type Host } from '../host.ts';
import type { IoError } from '../io.ts';
import type { ErrorCode } from './errors.ts';
import { createFields } from './fields.ts';
import { Holds } from './holds.ts';
import { createIncoming } from './incoming.ts';
import { Line } from './line.ts';
import { createOutgoing, methodName, type OutgoingRequest, type RequestOptions } from './outgoing.ts';
import type { Denial, Head, HttpLine } from './port.ts';
import { covering, describeUse, parseTarget, type Target } from './rules.ts';
import { ExchangeError } from './upload.ts';

const CONNECT_MS = 10_000;
const FIRST_BYTE_MS = 30_000;
const BETWEEN_BYTES_MS = 30_000;
const LONGEST_MS = 2 ** 31 - 1;
const NANOSECONDS_PER_MS = 1_000_000n;

const failure = (code: ErrorCode): WitError<ErrorCode> => new WitError(code);

const milliseconds = (duration: bigint | undefined, usual: number): number =>
  duration === undefined ? usual : Math.min(Math.max(Number(duration / NANOSECONDS_PER_MS), 1), LONGEST_MS);

function targetOf(request: OutgoingRequest): Target {
  const scheme = request.scheme() ?? { tag: 'HTTPS' };
  const authority = request.authority();
  if (scheme.tag === 'other' || authority === undefined) throw failure({ tag: 'HTTP-request-URI-invalid' });
  const target = parseTarget(scheme.tag === 'HTTPS' ? 'https' : 'http', authority);
  if (target === undefined) throw failure({ tag: 'HTTP-request-URI-invalid' });
  return target;
}

function pathOf(request: OutgoingRequest): string {
  const path = request.pathWithQuery() ?? '';
  if (path === '*' && request.method().tag === 'options') return path;
  return path.startsWith('/') ? path : `/${path}`;
}

function headOf(request: OutgoingRequest, options: RequestOptions | undefined): Head {
  const { declaredBytes, upload } = request;
  const isWrong = Number.isNaN(declaredBytes) || (upload === undefined && (declaredBytes ?? 0) > 0);
  if (isWrong) throw failure({ tag: 'HTTP-request-body-size', val: undefined });
  return {
    method: methodName(request.method()),
    target: targetOf(request),
    path: pathOf(request),
    headers: request.list,
    hasBody: upload !== undefined,
    connectMs: milliseconds(options?.connectTimeout(), CONNECT_MS),
    firstByteMs: milliseconds(options?.firstByteTimeout(), FIRST_BYTE_MS),
    betweenBytesMs: milliseconds(options?.betweenBytesTimeout(), BETWEEN_BYTES_MS),
  };
}

/** The constructor of what is linked and never made: nothing here receives requests. */
function unserved(): never {
  throw new Refusal(
    'incompatible',
    'The guest would answer HTTP requests, and none are sent to it.',
    'wasi:http/types',
  );
}

export interface Http {
  readonly interfaces: Record<string, object>;
  /** A call has ended: what was denied meanwhile goes on its record. */
  finish(): void;
  close(): void;
}

export function createHttp(host: Host, port: HttpLine): Http {
  const grants = host.grants.http ?? [];
  const report = ({ subject, message }: Denial): void =>
    host.report(new Refusal('capability-denied', message, subject));
  const line = new Line(port, report);
  const holds = new Holds();
  const Fields = createFields(holds);
  const spend = (bytes: number): boolean => host.spend(0, bytes);
  const outgoing = createOutgoing({ line, holds, fields: Fields, spend });
  const incoming = createIncoming(line, holds, Fields);

  const send = (request: OutgoingRequest, options: RequestOptions | undefined) => {
    const head = headOf(request, options);
    const allowing = covering(grants, head.method, head.target);
    if (allowing.length === 0) {
      const subject = describeUse(head.method, head.target);
      report({ subject, message: `The guest asked for ${subject}, which its grants do not cover.` });
      throw failure({ tag: 'HTTP-request-denied' });
    }
    for (const grant of allowing) host.used(grantName.http(head.method, grant));
    if (!host.spend(1, 0)) {
      throw failure({ tag: 'internal-error', val: 'over the limit messagesPerMinute' });
    }
    const remote = line.begin(head);
    if (remote === undefined) throw failure({ tag: 'connection-limit-reached' });
    request.upload?.connect(remote);
    return new incoming.FutureIncomingResponse(remote);
  };

  /** `handle` takes both over, so they are the host's to let go of, whatever comes of it. */
  const handle = (request: OutgoingRequest, options: RequestOptions | undefined) => {
    try {
      return send(request, options);
    } catch (error) {
      request.upload?.abandon();
      throw error;
    } finally {
      request[Symbol.dispose]();
      options?.[Symbol.dispose]();
    }
  };

  const httpErrorCode = (error: IoError): ErrorCode | undefined =>
    error instanceof ExchangeError ? error.errorCode : undefined;

  return {
    interfaces: {
      'wasi:http/types': {
        ...outgoing,
        ...incoming,
        httpErrorCode,
        IncomingRequest: unserved,
        OutgoingResponse: unserved,
        ResponseOutparam: unserved,
      },
      'wasi:http/outgoing-handler': { handle },
    },
    finish: () => line.hear(),
    close: () => line.close(),
  };
}
