/**
 * What a guest may use. One shape serves three parties: the release asks (`request`), the operator
 * approves, the board's owner caps (`policy`). What a guest gets is the intersection; whatever is
 * absent is denied.
 */
import { z } from 'zod';
import { beyondBoard, BOARD_GRANTS } from './board-grants.ts';
import { filterCovers } from './filter.ts';
import { hostCovers, httpPort } from './http.ts';

/** MQTT 3.1.1 filter, clause 4.7: `+` and `#` stand alone in their level, `#` last. */
export const TopicFilter = z
  .string()
  .min(1)
  .max(200)
  .refine(
    (filter) =>
      filter
        .split('/')
        .every(
          (level, index, levels) =>
            (level === '#' && index === levels.length - 1) || level === '+' || !/[#+\0]/.test(level),
        ),
    'not a valid MQTT topic filter',
  )
  .refine(
    (filter) => !filter.startsWith('$') || filter.startsWith('$board/'),
    'only $board/… begins with a $',
  );

/** An absolute, normalised path: no empty level, no `.`, no `..`. */
const AbsolutePath = z
  .string()
  .max(400)
  .refine(
    (path) =>
      path === '/' ||
      (path.startsWith('/') &&
        !path.includes('\0') &&
        path
          .slice(1)
          .split('/')
          .every((level) => level !== '' && level !== '.' && level !== '..')),
    'an absolute path without empty levels, . or ..',
  );

export const FilesystemGrant = z.strictObject({
  host: AbsolutePath,
  guest: AbsolutePath,
  access: z.enum(['read', 'write']),
});
export type FilesystemGrant = z.infer<typeof FilesystemGrant>;

/**
 * Topics are the guest's own: on the wire they stand below its app's part of the device's topics. Those
 * that begin with `$board/` never leave the board: they reach every guest on it whose `subscribe` covers
 * them. As in MQTT (clause 4.7.2), a filter that begins with a wildcard covers no topic with a `$`.
 */
export const MessagingGrant = z.strictObject({
  publish: z.array(TopicFilter).max(32).default([]),
  subscribe: z.array(TopicFilter).max(32).default([]),
});
export type MessagingGrant = z.infer<typeof MessagingGrant>;

/** Names a file on the board too: no dots, no slashes. */
const StoreName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,38}$/, 'a store name is 1 to 39 of a-z, 0-9 and -, and starts with a letter');

/** A store of the app's own: two apps that name the same one hold two. */
export const KeyvalueGrant = z.strictObject({
  store: StoreName,
  /** Keys and values together, bytes. */
  maxBytes: z
    .number()
    .int()
    .min(1)
    .max(16 * 1024 * 1024),
});
export type KeyvalueGrant = z.infer<typeof KeyvalueGrant>;

/** A host name, `*.` and a domain (any depth below it, not itself), or an IP address without brackets. */
const HttpHost = z
  .string()
  .max(253)
  .regex(
    /^((\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?|[0-9a-f:]*:[0-9a-f:.]*)$/,
    'a lower-case host name, *.domain, or an IP address',
  );

const HTTP_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/**
 * Requests that a guest may make. A name may only resolve to public addresses, unless `addresses` says
 * otherwise; `localhost` or a literal address as the host names itself.
 */
export const HttpGrant = z.strictObject({
  scheme: z.enum(['https', 'http']).default('https'),
  host: HttpHost,
  /** Default: 443 for https, 80 for http. */
  port: z.number().int().min(1).max(65_535).optional(),
  methods: z.array(z.enum(HTTP_METHODS)).min(1).max(HTTP_METHODS.length).default(['GET']),
  /** Loopback, private and link-local addresses that the name may resolve to: IPs, or blocks such as 10.0.0.0/8. */
  addresses: z
    .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))
    .max(16)
    .optional(),
});
export type HttpGrant = z.infer<typeof HttpGrant>;

/** The secrets that a guest may read, by name; their values never stand in a grant. */
export const SecretName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'a secret name is 1 to 63 of a-z, 0-9 and -, and starts with a letter');
export type SecretName = z.infer<typeof SecretName>;

const hasEachStoreOnce = (grants: readonly KeyvalueGrant[]): boolean =>
  new Set(grants.map(({ store }) => store)).size === grants.length;

export const Grants = z.strictObject({
  filesystem: z.array(FilesystemGrant).max(32).optional(),
  http: z.array(HttpGrant).max(32).optional(),
  messaging: MessagingGrant.optional(),
  secrets: z.array(SecretName).max(16).optional(),
  keyvalue: z.array(KeyvalueGrant).max(8).refine(hasEachStoreOnce, 'a store is named twice').optional(),
  ...BOARD_GRANTS,
  clock: z.boolean().optional(),
  random: z.boolean().optional(),
  environment: z.record(z.string().max(100), z.string().max(1000)).optional(),
  arguments: z.array(z.string().max(1000)).max(64).optional(),
});
export type Grants = z.infer<typeof Grants>;

/**
 * What a guest may use up; the defaults suit a board with 512 MB. Each has a fault kind of its own
 * (faults.ts). Work over `callsPerSecond` waits; the rest over a limit is refused, counted and told.
 */
export const Limits = z.strictObject({
  /** Every linear memory of the guest together, MiB. */
  memoryMiB: z.number().int().min(1).max(2048).default(32),
  /** Longest that one call may take, ms. */
  deadlineMs: z.number().int().min(1).max(60_000).default(1000),
  /** Calls into the guest; beyond it they wait. */
  callsPerSecond: z.number().int().min(1).default(1000),
  /** Calls that may wait for the guest; beyond it they are turned away. */
  queueLength: z.number().int().min(1).max(65_536).default(256),
  /** stdout, stderr and log lines together; beyond it lines are dropped. */
  logBytesPerMinute: z.number().int().min(0).default(65_536),
  /** Messages that it may publish, and HTTP requests that it may make, together. */
  messagesPerMinute: z.number().int().min(0).default(600),
  /** Payloads of those messages and bodies of those requests, bytes. */
  outgoingBytesPerMinute: z
    .number()
    .int()
    .min(0)
    .default(1024 * 1024),
});
export type Limits = z.infer<typeof Limits>;

export { filterCovers, hostCovers, httpPort };

const within = (root: string, path: string): boolean =>
  root === path || path.startsWith(root.endsWith('/') ? root : `${root}/`);

/** The first method of `grant` that no cap allows, in words; every address must stand in the same cap. */
function httpBeyond(grant: HttpGrant, caps: readonly HttpGrant[]): string | undefined {
  const { scheme, host, methods, addresses = [] } = grant;
  const covering = caps.filter(
    (cap) =>
      cap.scheme === scheme &&
      hostCovers(cap.host, host) &&
      httpPort(cap) === httpPort(grant) &&
      addresses.every((address) => cap.addresses?.includes(address) === true),
  );
  const method = methods.find((wanted) => !covering.some((cap) => cap.methods.includes(wanted)));
  return method === undefined ? undefined : `http ${method} ${scheme}://${host}:${httpPort(grant)}`;
}

/**
 * Every grant in `wanted` that `bound` does not cover, in words such as `messaging.publish telemetry/#`.
 * Of an http grant the first method counts.
 */
export function* beyond(wanted: Grants, bound: Grants): Generator<string> {
  for (const grant of wanted.filesystem ?? []) {
    const covered = (bound.filesystem ?? []).some(
      (cap) => within(cap.host, grant.host) && (cap.access === 'write' || grant.access === 'read'),
    );
    if (!covered) yield `filesystem ${grant.host} (${grant.access})`;
  }
  for (const direction of ['publish', 'subscribe'] as const) {
    for (const filter of wanted.messaging?.[direction] ?? []) {
      const caps = bound.messaging?.[direction] ?? [];
      if (!caps.some((cap) => filterCovers(cap, filter))) yield `messaging.${direction} ${filter}`;
    }
  }
  for (const grant of wanted.http ?? []) {
    const more = httpBeyond(grant, bound.http ?? []);
    if (more !== undefined) yield more;
  }
  for (const name of wanted.secrets ?? []) {
    if (!(bound.secrets ?? []).includes(name)) yield `secrets ${name}`;
  }
  for (const { store, maxBytes } of wanted.keyvalue ?? []) {
    const covered = (bound.keyvalue ?? []).some((cap) => cap.store === store && maxBytes <= cap.maxBytes);
    if (!covered) yield `keyvalue ${store} (${maxBytes} bytes)`;
  }
  yield* beyondBoard(wanted, bound);
  if (wanted.clock && !bound.clock) yield 'clock';
  if (wanted.random && !bound.random) yield 'random';
  for (const [name, value] of Object.entries(wanted.environment ?? {})) {
    if (bound.environment?.[name] !== value) yield `environment ${name}`;
  }
  const args = wanted.arguments ?? [];
  if (args.length > 0 && JSON.stringify(args) !== JSON.stringify(bound.arguments ?? [])) yield 'arguments';
}

/** The first of them, or undefined when all of `wanted` is covered. */
export const firstBeyond = (wanted: Grants, bound: Grants): string | undefined =>
  beyond(wanted, bound).next().value ?? undefined;
