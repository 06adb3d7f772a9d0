/**
 * The HTTP side as a value; tests use `inject`. Two listeners feed it (http/listeners.ts): plain HTTP
 * on loopback gets all of it, HTTPS for devices and remote tools the API alone. It is one value, as
 * contexts also take their messages from the bus when they are registered, and each only once.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { API_ROOT, WaferError } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import fastify, { LogController, type FastifyInstance } from 'fastify';
import {
  serializerCompiler,
  validatorCompiler,
  type FastifyPluginAsyncZod,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { writeSecretOnce } from './db/secret-file.ts';
import type { Deps } from './deps.ts';
import { guardEveryRoute } from './http/auth.ts';
import { secureHeaders, serveDashboard } from './http/dashboard.ts';
import { keepToTheApi } from './http/listeners.ts';
import { answerOnce } from './http/idempotency.ts';
import { describeApi } from './http/openapi.ts';
import { answerProblems, describe, sendProblem } from './http/problems.ts';
import { cookieRules, insistOnTls, sessionCookie } from './http/site.ts';
import {
  authenticator,
  passwordPage,
  signInPage,
  ssoPages,
  type People,
  type Sso,
} from './identity/index.ts';

export interface AppParts {
  readonly people: People;
  /** Absent: there is no single sign-on. */
  readonly sso?: Sso | undefined;
  /** Of the dashboard, once it listens. */
  readonly dashboard: () => string;
  /** One plugin a context, mounted below /api/v1. */
  readonly contexts: readonly FastifyPluginAsyncZod[];
  /** Where the built dashboard lies, if not where Vite puts it. */
  readonly dashboardFolder?: string;
}

/** Bodies are JSON and small, but for the routes that say otherwise. */
const BODY_BYTES = 1024 * 1024;

export async function app(deps: Deps, parts: AppParts): Promise<FastifyInstance> {
  const { people } = parts;
  const { publicUrl, trustedProxies } = deps.config;
  const cookies = cookieRules(deps.config);
  const server = fastify({
    loggerInstance: deps.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES,
    forceCloseConnections: true,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    genReqId: () => randomUUID(),
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, describe(error)),
  }).withTypeProvider<ZodTypeProvider>();
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  answerProblems(server);
  keepToTheApi(server);
  insistOnTls(server, cookies);
  guardEveryRoute(server, publicUrl);
  const secret = await requestSecret(deps.config.dataFolder);
  answerOnce(server, { ...deps, secret, sessionCookie: sessionCookie(cookies) });
  server.decorate('authenticate', authenticator({ ...deps, people }));
  server.addHook('onRequest', async (request, reply) => void reply.header('x-request-id', request.id));
  await secureHeaders(server);
  await describeApi(server, sessionCookie(cookies));

  server.get('/healthz', { schema: { hide: true } }, async () => {
    await deps.db.execute(sql`select 1`).catch((cause: unknown) => {
      throw new WaferError('server.unavailable', 'Postgres does not answer.', { cause });
    });
    return { status: 'ok' };
  });
  for (const context of parts.contexts) await server.register(context, { prefix: API_ROOT });
  await server.register(signInPage(people));
  await server.register(passwordPage(deps, people));
  await server.register(ssoPages(deps, { people, sso: parts.sso, dashboard: parts.dashboard }));
  await serveDashboard(server, parts.dashboardFolder);
  await server.ready();
  return server;
}

/** Locks the answers that are kept for those who ask again. */
async function requestSecret(dataFolder: string): Promise<string> {
  const folder = join(dataFolder, 'server');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return writeSecretOnce(join(folder, 'request-secret'), () => randomBytes(32).toString('base64url'));
}
