/**
 * Who asks, and whether they may. Every route under /api/v1 names a role or is in PUBLIC_ROUTES;
 * `guardEveryRoute` refuses to start an app with a route that does neither.
 *
 * A person comes with a session cookie or with `Authorization: Bearer <API token>`. A cookie is sent
 * by the browser whoever wrote the page, so with a cookie a change must come from our own pages
 * (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/, or else the Origin header); with a public
 * address, from pages of exactly that origin. A bearer token is never sent unasked.
 */
import { API_ROOT, WaferError, type Role } from '@wafer/protocol';
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';

export interface Actor {
  readonly name: string;
  readonly role: Role;
  readonly via: 'session' | 'token';
  /** Id of the person who asks, or whose token it is; null: a token of the machine. */
  readonly person: string | null;
  /** Of a token that was narrowed; null or absent: whatever the role may. */
  readonly scopes?: readonly string[] | null;
  /** As audit events name them: `user:admin`, `token:ci`. */
  readonly audit: string;
  /** Remote address. */
  readonly source: string;
}

/** Finds the person behind a request; undefined for a stranger. */
export type Authenticate = (request: FastifyRequest) => Promise<Omit<Actor, 'audit' | 'source'> | undefined>;

/** Who may ask: whoever has this role or one above it, or anybody. `page` is outside the API. */
export type Rule = Role | 'public' | 'page';

declare module 'fastify' {
  interface FastifyInstance {
    authenticate: Authenticate;
    /** Origin of our pages where a proxy stands in front. */
    publicUrl: string | undefined;
    /** `METHOD /path` → its rule, of every route that there is. */
    rules: ReadonlyMap<string, Rule>;
  }
  interface FastifyRequest {
    actor: Actor | null;
  }
}

/** Always an `onRequest` hook, so that a stranger's body is not even read. */
export type RoleGuard = (request: FastifyRequest) => Promise<void>;

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

export const lesserRole = (one: Role, other: Role): Role => (RANK[one] < RANK[other] ? one : other);

const guards = new WeakMap<object, Role>();

/** A hook that lets through `role` and those above it; throws auth.required or auth.forbidden. */
export function requireRole(role: Role): RoleGuard {
  const guard: RoleGuard = async (request) => {
    const person = await request.server.authenticate(request);
    if (person === undefined)
      throw new WaferError('auth.required', 'Send a session cookie or `Authorization: Bearer <API token>`.');
    if (person.via === 'session') refuseForeignPage(request);
    if (RANK[person.role] < RANK[role])
      throw new WaferError(
        'auth.forbidden',
        `This needs the role ${role}; ${person.name} is ${person.role}.`,
      );
    refuseOutOfScope(request, person.scopes ?? null);
    const kind = person.via === 'session' ? 'user' : 'token';
    request.actor = { ...person, audit: `${kind}:${person.name}`, source: request.ip };
  };
  guards.set(guard, role);
  return guard;
}

/** Whoever passed this route's guard. */
export function actorOf(request: FastifyRequest): Actor {
  if (request.actor === null) throw new Error(`no guard ran before ${request.method} ${request.url}`);
  return request.actor;
}

const isSafe = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

/** A narrowed token reaches routes of its areas, and the one that says whose it is. */
function refuseOutOfScope(request: FastifyRequest, scopes: readonly string[] | null): void {
  const { url, schema } = request.routeOptions;
  if (scopes === null || url === `${API_ROOT}/me`) return;
  const needed = `${schema?.tags?.[0] ?? 'no area'}:${isSafe(request.method) ? 'read' : 'write'}`;
  if (scopes.includes(needed)) return;
  throw new WaferError(
    'auth.forbidden',
    `This needs the scope ${needed}; the token has ${scopes.join(', ')}.`,
  );
}

function isOwnPage({ headers, protocol, host, server: { publicUrl } }: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  // The same page over plain HTTP is another origin, and `same-origin` to itself.
  if (publicUrl !== undefined) return origin === publicUrl && (site === undefined || site === 'same-origin');
  return site === undefined ? origin === `${protocol}://${host}` : site === 'same-origin';
}

/** Throws auth.forbidden for a change that a browser was talked into by somebody else's page. */
export function refuseForeignPage(request: FastifyRequest): void {
  if (isSafe(request.method) || isOwnPage(request)) return;
  const { publicUrl } = request.server;
  const where = publicUrl === undefined ? '' : `, at ${publicUrl}`;
  throw new WaferError(
    'auth.forbidden',
    `With a session, changes are taken from the dashboard’s own pages only${where}.`,
  );
}

/** What a stranger may ask: to enrol (the claim token is the proof), to renew (the certificate is), and what the API looks like. */
const PUBLIC_ROUTES: ReadonlySet<string> = new Set([
  'POST /api/v1/enrolments',
  'POST /api/v1/renewals',
  'GET /api/v1/openapi.json',
  'HEAD /api/v1/openapi.json',
]);

/** The role that a route asks for. */
export function roleOf(route: RouteOptions): Role | undefined {
  const hooks = [route.onRequest].flat().filter((hook) => hook !== undefined);
  return hooks.map((hook) => guards.get(hook)).find((role) => role !== undefined);
}

/** Throws for a route of the API that has none. */
function ruleOf(route: RouteOptions, method: string): Rule {
  if (!route.url.startsWith(`${API_ROOT}/`)) return 'page';
  const rule = PUBLIC_ROUTES.has(`${method} ${route.url}`) ? 'public' : roleOf(route);
  if (rule === undefined) throw new Error(`${method} ${route.url} names no role`);
  return rule;
}

/** Call before any route is registered. */
export function guardEveryRoute(app: FastifyInstance, publicUrl?: string): void {
  const rules = new Map<string, Rule>();
  app.decorate('publicUrl', publicUrl);
  app.decorate('rules', rules);
  app.decorateRequest('actor', null);
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) rules.set(`${method} ${route.url}`, ruleOf(route, method));
  });
}
