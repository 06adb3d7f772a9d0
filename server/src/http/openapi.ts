/**
 * OpenAPI 3.1 from the very schemas that validate, at GET /api/v1/openapi.json. Each route's role and
 * the one shape of all errors are added here, so that no route has to repeat them.
 */
import swagger from '@fastify/swagger';
import { API_ROOT, Problem } from '@wafer/protocol';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { roleOf } from './auth.ts';

const failure = {
  description: 'What went wrong (RFC 9457); `code` is stable.',
  content: { 'application/problem+json': { schema: z.toJSONSchema(Problem) } },
};

const transform: typeof jsonSchemaTransform = (document) => {
  const { schema, url } = jsonSchemaTransform(document);
  const given = (schema ?? {}) as Record<string, unknown> & { response?: Record<string, unknown> };
  if (given.hide) return { schema: given, url };
  const role = roleOf(document.route);
  const access = role === undefined ? { security: [] } : { description: `Needs the role ${role}.` };
  return { schema: { ...access, ...given, response: { ...given.response, default: failure } }, url };
};

/** Call before any route is registered. */
export async function describeApi(app: FastifyInstance, sessionCookie: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Wafer', version: '1', description: 'Fleet manager for edge devices.' },
      security: [{ token: [] }, { session: [] }],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: sessionCookie },
        },
      },
    },
    transform,
  });
  app.get(`${API_ROOT}/openapi.json`, { schema: { hide: true } }, async () => app.swagger());
}
