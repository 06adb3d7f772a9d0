/**
 * `Idempotency-Key` on changes (draft-ietf-httpapi-idempotency-key-header): whoever got no answer asks
 * again with the same key, and the change is made once. The same key with the same request gets the
 * first answer again, with `idempotent-replayed: true`; with another request it is refused (422); while
 * the first has not been answered, or if the server ended before it was, it is refused too (409).
 *
 * A key belongs to the credential that it came with. The table holds keyed hashes, and answers locked
 * with a key that is made from the Idempotency-Key: the database alone gives neither away.
 */
import { createHmac, hkdfSync } from 'node:crypto';
import { WaferError, type Clock } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { onlyRow } from '../db/failures.ts';
import { instant } from '../db/values.ts';
import { lockText, unlockText } from '../db/lock.ts';
import { readCookie } from './site.ts';

const KEPT_MS = 24 * 3600 * 1000;
const SWEEP_MS = 3600 * 1000;
const KEY = /^[\x21-\x7e]{8,200}$/;
const CHANGES = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

interface Parts {
  readonly db: PostgresJsDatabase;
  readonly clock: Clock;
  /** Known to the server alone. */
  readonly secret: string;
  /** Its name. */
  readonly sessionCookie: string;
}

interface Claim {
  readonly key: string;
  readonly lock: Buffer;
}

declare module 'fastify' {
  interface FastifyRequest {
    idempotencyClaim: Claim | null;
  }
}

/** Whoever asks; a name could be another's, too. */
const credentialOf = ({ headers }: FastifyRequest, sessionCookie: string): string =>
  headers.authorization ?? readCookie(headers.cookie, sessionCookie) ?? '';

/** Undefined for what needs none: reading, strangers, and uploads, which are named by their hash. */
function givenKey(request: FastifyRequest): string | undefined {
  const given = request.headers['idempotency-key'];
  if (given === undefined || request.actor === null || !CHANGES.has(request.method)) return undefined;
  const isJson = request.body === undefined || request.body === null || isPlain(request.body);
  if (!isJson) return undefined;
  if (typeof given === 'string' && KEY.test(given)) return given;
  throw new WaferError('request.invalid', 'headers/idempotency-key: 8 to 200 visible ASCII characters.');
}

const isPlain = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && [Object.prototype, null].includes(Object.getPrototypeOf(body));

interface Found {
  readonly claimed: boolean;
  readonly request: string | null;
  readonly status: number | null;
  readonly answer: string | null;
}

/** Makes it ours, or tells what is there. */
async function claim(db: PostgresJsDatabase, key: string, request: string, at: number): Promise<Found> {
  const rows = await db.execute<{ found: Found }>(sql`
    with claimed as (
      insert into answered_requests (key, request, started) values (${key}, ${request}, ${instant(at)})
      on conflict do nothing returning key
    ), there as (select request, status, answer from answered_requests where key = ${key})
    select jsonb_build_object('claimed', exists (select 1 from claimed),
      'request', (select request from there), 'status', (select status from there),
      'answer', (select answer from there)) as found`);
  return onlyRow(rows).found;
}

function replay(reply: FastifyReply, { status, answer }: Found, key: Buffer): FastifyReply {
  const { type, body } = JSON.parse(unlockText(key, answer ?? '')) as {
    type: string | null;
    body: string | null;
  };
  void reply.header('idempotent-replayed', 'true').code(status ?? 500);
  if (type !== null) void reply.header('content-type', type);
  return reply.serializer((payload: unknown) => payload as string).send(body ?? undefined);
}

/** Call before any route is registered. */
export function answerOnce(app: FastifyInstance, { db, clock, secret, sessionCookie }: Parts): void {
  const hash = (...parts: string[]): string =>
    createHmac('sha256', secret).update(JSON.stringify(parts)).digest('hex');
  app.decorateRequest('idempotencyClaim', null);

  app.addHook('preHandler', async (request, reply) => {
    const given = givenKey(request);
    if (given === undefined) return undefined;
    const owner = credentialOf(request, sessionCookie);
    const key = hash('key', owner, given);
    const asked = hash('request', request.method, request.url, JSON.stringify(request.body ?? null));
    const locking = Buffer.from(hkdfSync('sha256', secret, key, `${owner} ${given}`, 32));
    const found = await claim(db, key, asked, clock.now());
    if (found.claimed) {
      request.idempotencyClaim = { key, lock: locking };
      return undefined;
    }
    if (found.request !== null && found.request !== asked)
      throw new WaferError(
        'request.key-reused',
        'This Idempotency-Key came with another request: use a new one.',
      );
    if (found.status === null)
      throw new WaferError(
        'request.in-progress',
        'The first request with this Idempotency-Key was not answered (yet). Wait, or look what it changed.',
      );
    return replay(reply, found, locking);
  });

  app.addHook('onSend', async (request, reply, payload) => {
    const claimed = request.idempotencyClaim;
    // Of a failure nobody knows what it changed, so it stays unanswered.
    if (claimed === null || reply.statusCode >= 500) return payload;
    const type = reply.getHeader('content-type') ?? null;
    const body = typeof payload === 'string' ? payload : null;
    const answer = lockText(claimed.lock, JSON.stringify({ type, body }));
    await db.execute(sql`
      update answered_requests set status = ${reply.statusCode}, answer = ${answer}
      where key = ${claimed.key} and status is null`);
    return payload;
  });

  const sweep = (): Promise<unknown> =>
    db
      .execute(sql`delete from answered_requests where started < ${instant(clock.now() - KEPT_MS)}`)
      .catch((error: unknown) => app.log.warn({ err: error }, 'old answers were not forgotten'));
  const timer = setInterval(() => void sweep(), SWEEP_MS);
  app.addHook('onClose', async () => clearInterval(timer));
}
