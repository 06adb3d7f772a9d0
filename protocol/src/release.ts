/**
 * A release as its publisher signs it: a TUF target whose `custom` says everything that admission
 * and the agent need, so that nothing about a component is believed because a server said it.
 *
 * The app `wafer-agent` is the agent itself: its releases are bundles (agent-bundle.ts) of the world `agent`,
 * and no other app's are.
 *
 * Path of the target: `<app>/<version>/<digest>.wasm` (`.tar.gz` of an agent), in the role that `targets` delegates to the
 * app (role name = app name, see `delegatedPaths`). The target `<app>/floor` carries the
 * lowest counter that may still run; the director's public keys are the target `director/keys.json`
 * of the top-level role, so they rotate through the offline chain.
 */
import { z } from 'zod';
import { Grants } from './grants.ts';
import { AppName, Digest, SLUG, Version } from './ids.ts';

/** Bytes in a chunk before compression; the last one may be shorter. */
export const CHUNK_BYTES = 32 * 1024;

/** Largest component that is accepted unless the server is configured otherwise. */
export const DEFAULT_MAX_COMPONENT_BYTES = 16 * 1024 * 1024;

/** How the agent drives a guest, found from its exports (design: worlds); or an agent itself. */
export const World = z.enum(['command', 'reactor', 'agent']);
export type World = z.infer<typeof World>;

/** `custom` of a release's target. */
export const ReleaseCustom = z.strictObject({
  wafer: z.literal(1),
  app: AppName,
  version: Version,
  /** Grows with every release of the app; what floors and rollbacks compare. */
  counter: z.number().int().min(1),
  world: World,
  imports: z.array(z.string().max(200)).max(200),
  exports: z.array(z.string().max(200)).max(200),
  /** The most that the release may be granted. */
  grants: Grants,
  /** Linear memory that it asks for, MiB. */
  memoryMiB: z.number().int().min(1).max(2048),
  /** SHA-256 of each CHUNK_BYTES of the component, in order. */
  chunks: z.array(Digest).min(1).max(4096),
});
export type ReleaseCustom = z.infer<typeof ReleaseCustom>;

/** `custom` of the target `<app>/floor`. */
export const FloorCustom = z.strictObject({ wafer: z.literal(1), floor: z.number().int().min(0) });
export type FloorCustom = z.infer<typeof FloorCustom>;

/** Content and `custom` of `director/keys.json`. */
export const DirectorKeys = z.strictObject({
  wafer: z.literal(1),
  /** key id → ed25519 public key, 64 hexadecimal digits. */
  keys: z.record(z.string().regex(/^[0-9a-f]{64}$/), z.string().regex(/^[0-9a-f]{64}$/)),
});
export type DirectorKeys = z.infer<typeof DirectorKeys>;

export const DIRECTOR_KEYS_TARGET = 'director/keys.json';

/** A release of this app is an agent, and an agent is released as nothing else. */
export const AGENT_APP = AppName.parse('wafer-agent');

/** Why a release of this app may not be of this world; undefined when it may. */
export function misnamed(app: AppName, world: World): string | undefined {
  if ((app === AGENT_APP) === (world === 'agent')) return undefined;
  return world === 'agent'
    ? `it is an agent, which is released as ${AGENT_APP} and not as ${app}`
    : `the name ${AGENT_APP} is kept for agents, and this is a ${world}`;
}

export const releaseTarget = (app: AppName, version: Version, digest: Digest): string =>
  `${app}/${version}/${digest}${app === AGENT_APP ? '.tar.gz' : '.wasm'}`;

export const floorTarget = (app: AppName): string => `${app}/floor`;

/** Paths that `targets` delegates to an app's role; in TUF `*` does not cross a `/`. */
export const delegatedPaths = (app: AppName): string[] => [`${app}/*`, `${app}/*/*`];

/** A role of TUF: root, timestamp, snapshot, targets, or an app's. */
export const RoleName = z.string().regex(SLUG);

/** Names under which TUF metadata is asked for and stored (consistent snapshots). */
export const MetadataName = z
  .string()
  .regex(
    new RegExp(`^(timestamp|[1-9]\\d{0,9}\\.${SLUG.source.slice(1, -1)})\\.json$`),
    'a name such as timestamp.json or 3.root.json',
  );
export type MetadataName = z.infer<typeof MetadataName>;
