/**
 * What a guest may use. One shape serves three parties: the release asks (`request`), the operator
 * approves, the board's owner caps (`policy`). What a guest gets is the intersection; whatever is
 * absent is denied.
 */
import { z } from 'zod';
import { filterCovers } from './filter.ts';

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

const hasEachStoreOnce = (grants: readonly KeyvalueGrant[]): boolean =>
  new Set(grants.map(({ store }) => store)).size === grants.length;

export const Grants = z.strictObject({
  filesystem: z.array(FilesystemGrant).max(32).optional(),
  messaging: MessagingGrant.optional(),
  keyvalue: z.array(KeyvalueGrant).max(8).refine(hasEachStoreOnce, 'a store is named twice').optional(),
  clock: z.boolean().optional(),
  random: z.boolean().optional(),
  environment: z.record(z.string().max(100), z.string().max(1000)).optional(),
  arguments: z.array(z.string().max(1000)).max(64).optional(),
});
export type Grants = z.infer<typeof Grants>;

export const Limits = z.strictObject({
  /** Every linear memory of the guest together, MiB. */
  memoryMiB: z.number().int().min(1).max(2048).default(32),
  /** Longest that one call may take, ms. */
  deadlineMs: z.number().int().min(1).max(60_000).default(1000),
  /** stdout, stderr and log lines together; beyond it lines are dropped and counted. */
  logBytesPerMinute: z.number().int().min(0).default(65_536),
  /** Calls into the guest; beyond it they wait. */
  callsPerSecond: z.number().int().min(1).default(1000),
});
export type Limits = z.infer<typeof Limits>;

export { filterCovers };

const within = (root: string, path: string): boolean =>
  root === path || path.startsWith(root.endsWith('/') ? root : `${root}/`);

/**
 * The first grant in `wanted` that `bound` does not cover, in words such as
 * `messaging.publish telemetry/#`, or undefined when all of it is covered.
 */
export function firstBeyond(wanted: Grants, bound: Grants): string | undefined {
  for (const grant of wanted.filesystem ?? []) {
    const covered = (bound.filesystem ?? []).some(
      (cap) => within(cap.host, grant.host) && (cap.access === 'write' || grant.access === 'read'),
    );
    if (!covered) return `filesystem ${grant.host} (${grant.access})`;
  }
  for (const direction of ['publish', 'subscribe'] as const) {
    for (const filter of wanted.messaging?.[direction] ?? []) {
      const caps = bound.messaging?.[direction] ?? [];
      if (!caps.some((cap) => filterCovers(cap, filter))) return `messaging.${direction} ${filter}`;
    }
  }
  for (const { store, maxBytes } of wanted.keyvalue ?? []) {
    const covered = (bound.keyvalue ?? []).some((cap) => cap.store === store && maxBytes <= cap.maxBytes);
    if (!covered) return `keyvalue ${store} (${maxBytes} bytes)`;
  }
  if (wanted.clock && !bound.clock) return 'clock';
  if (wanted.random && !bound.random) return 'random';
  for (const [name, value] of Object.entries(wanted.environment ?? {})) {
    if (bound.environment?.[name] !== value) return `environment ${name}`;
  }
  const args = wanted.arguments ?? [];
  if (args.length > 0 && JSON.stringify(args) !== JSON.stringify(bound.arguments ?? [])) return 'arguments';
  return undefined;
}
