/**
 * Every failure as problem+json (RFC 9457) with a stable code. What is not a WaferError is a
 * mistake of the request that Fastify found, a database that is away, or a mistake of ours; the
 * last is logged whole and told without its inside.
 */
import { ERRORS, WaferError, type ErrorCode, type Problem } from '@wafer/protocol';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { isUnavailable, isUnstorable } from '../db/failures.ts';

interface Answer {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly errors?: { path: string; message: string }[];
}

const invalid = (error: FastifyError): Answer | undefined => {
  if (!hasZodFastifySchemaValidationErrors(error)) return undefined;
  const where = (error as { validationContext?: string }).validationContext ?? 'request';
  const errors = error.validation.map(({ instancePath, message }) => ({
    path: `${where}${instancePath}`.replace(/\/$/, ''),
    message: message ?? 'does not fit',
  }));
  return { code: 'request.invalid', detail: errors.map((e) => `${e.path}: ${e.message}`).join('; '), errors };
};

/** Fastify's own refusals, by their status; https://fastify.dev/docs/latest/Reference/Errors/. */
function refusal(error: FastifyError): Answer | undefined {
  const status = error.statusCode ?? 500;
  if (status === 413) return { code: 'request.too-large', detail: error.message };
  if (status === 404) return { code: 'request.not-found', detail: error.message };
  if (status === 429) return { code: 'request.rate-limited', detail: error.message };
  if (status >= 400 && status < 500) return { code: 'request.malformed', detail: error.message };
  return undefined;
}

/** The code and the words for whatever was thrown. */
export function describe(error: unknown): Answer {
  if (error instanceof WaferError) return { code: error.code, detail: error.message };
  if (isUnavailable(error))
    return {
      code: 'server.unavailable',
      detail: 'The database does not answer. Nothing was changed, or all of it; read again.',
    };
  if (isUnstorable(error))
    return {
      code: 'request.invalid',
      detail: 'A text holds a character that cannot be stored (U+0000, or half of a surrogate pair).',
    };
  const found =
    error instanceof Error ? (invalid(error as FastifyError) ?? refusal(error as FastifyError)) : undefined;
  return (
    found ?? { code: 'server.internal', detail: 'Look into the server’s log for the id of this request.' }
  );
}

function problem({ code, detail, errors }: Answer): Problem {
  const { status, title } = ERRORS[code];
  return { type: `urn:wafer:error:${code}`, title, status, detail, code, ...(errors && { errors }) };
}

/** Answers at once; for hooks and handlers that do not throw. */
export function sendProblem(reply: FastifyReply, answer: Answer): FastifyReply {
  const body = problem(answer);
  if (body.status === 503) void reply.header('retry-after', '1');
  return reply
    .code(body.status)
    .type('application/problem+json')
    .serializer((payload: unknown) => JSON.stringify(payload))
    .send(body);
}

export function answerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const answer = describe(error);
    if (answer.code === 'server.internal') request.log.error({ err: error }, 'a request failed');
    else request.log.debug({ code: answer.code }, 'a request was refused');
    return sendProblem(reply, answer);
  });
}

/** For addresses that no route has. `page` may answer instead; it returns undefined when it does not. */
export function answerUnknown(
  app: FastifyInstance,
  page: (request: FastifyRequest, reply: FastifyReply) => FastifyReply | undefined = () => undefined,
): void {
  app.setNotFoundHandler((request, reply) => {
    const [path] = request.url.split('?');
    const detail = `There is nothing at ${request.method} ${path}.`;
    return page(request, reply) ?? sendProblem(reply, { code: 'request.not-found', detail });
  });
}
