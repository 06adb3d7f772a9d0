/**
 * Publishing, in the order in which it can be refused: manifest, component, admission, trust; only
 * then do bytes travel, is a release signed, and does a channel move. Each step can be repeated: a
 * run that was cut off is finished by running it again.
 */
import {
  AppName,
  ChannelName,
  type Clock,
  describeRefusals,
  misnamed,
  refusals,
  type ReleaseCustom,
  Version,
  WaferError,
} from '@wafer/protocol';
import { triggersProblem } from '@wafer/protocol/schedule';
import type { z } from 'zod';
import type { Api } from '../api/client.ts';
import { floorIn } from '../trust/documents.ts';
import type { Outcome } from '../trust/ceremony.ts';
import { expiryWarnings } from '../trust/expiry.ts';
import type { Keyring } from '../trust/keyring.ts';
import { parseCounter } from '../trust/options.ts';
import { inspect, type Inspection } from './component.ts';
import { load, type Warn } from './load.ts';
import { agentManifest, findManifest, type Manifest, worldMismatch } from './manifest.ts';
import type { Progress } from './progress.ts';
import {
  type Chain,
  type Draft,
  draftRelease,
  publishedCounter,
  readChain,
  type TrustApi,
} from './release.ts';
import { type Signed, signAndCreate } from './sign.ts';

export interface PublishRequest {
  /** Absolute paths. */
  readonly file: string;
  readonly manifest: string | undefined;
  /** As typed; the manifest may name the app instead. */
  readonly app: string | undefined;
  readonly version: string;
  /** Undefined leaves every channel as it is. */
  readonly channel: string | undefined;
  /** Lowest counter that may run from now on, as typed. */
  readonly floor?: string | undefined;
}

export interface Published {
  readonly app: AppName;
  readonly version: Version;
  readonly digest: string;
  readonly length: number;
  readonly counter: number;
  readonly world: ReleaseCustom['world'];
  readonly imports: readonly string[];
  readonly exports: readonly string[];
  /** False when this very release was there already. */
  readonly fresh: boolean;
  readonly channel: ChannelName | null;
  /** Devices that were told. */
  readonly devices: number;
  /** Set while the release still lacks signatures; then no channel was moved. */
  readonly pending: Outcome | null;
  /** What will need signing again soon, one line each. */
  readonly warnings: readonly string[];
}

export interface Parties {
  readonly api: TrustApi & Pick<Api, 'uploadBlob'>;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly startProgress: (label: string, totalBytes: number) => Progress;
}

export async function publish(prepared: Prepared, parties: Parties): Promise<Published> {
  const { draft, component, manifest, channel } = prepared;
  const { api, keyring, clock } = parties;

  // Before the upload: a version that exists, or a chain that is not to be trusted, costs no bytes.
  const chain = await readChain(api, keyring, draft.app);
  const published = publishedCounter(chain, draft);
  if (published === undefined) await upload(draft, component, parties);
  else mustHaveFloor(chain, draft);
  const { grants, config, limits, isolation, triggers, health } = manifest;
  const to = { version: draft.version, grants, config, limits, isolation, triggers, health };
  const move = channel && { channel, to };
  const { counter, outcome }: Signed =
    published === undefined ? await signAndCreate(api, keyring, clock, draft, move) : { counter: published };

  const moved =
    outcome === undefined ? channel && (await api.moveChannel(channel, draft.app, to)) : outcome.moved;
  const { world, imports, exports } = draft.custom;
  return {
    app: draft.app,
    version: draft.version,
    digest: draft.digest,
    length: draft.length,
    counter,
    world,
    imports,
    exports,
    fresh: published === undefined,
    channel: moved?.channel ?? null,
    devices: moved?.devices ?? 0,
    pending: outcome?.state === 'pending' ? outcome : null,
    warnings: warningsOn(chain, clock.now()),
  };
}

/** The same command again finds its own floor; another one is not raised in passing. */
function mustHaveFloor({ role }: Chain, { app, version, floor = 0 }: Draft): void {
  if (role !== undefined && floorIn(role.document, app) >= floor) return;
  throw new WaferError(
    'cli.usage',
    `${app} ${version} was published already: raise the floor with wafer keys floor ${app} ${floor}`,
  );
}

/** A year after its last release an app's role expires; publishing itself signs it for another year. */
function warningsOn({ root, targets, isDelegated }: Chain, nowMs: number): string[] {
  const documents = [{ name: 'root', expires: root.document.expires }];
  // A new app had targets signed anew just now.
  if (isDelegated) documents.push({ name: 'targets', expires: targets.document.expires });
  return expiryWarnings(documents, nowMs);
}

export interface Prepared {
  readonly draft: Draft;
  readonly component: Uint8Array;
  readonly manifest: Manifest;
  readonly channel: ChannelName | undefined;
}

/** Everything that can be known, and refused, without the server. */
export async function prepare(request: PublishRequest, warn: Warn): Promise<Prepared> {
  const version = named(Version, request.version);
  const channel = request.channel === undefined ? undefined : named(ChannelName, request.channel);
  const { component, from } = await load(request.file, warn);
  const inspection = await inspect(component);
  const found =
    from === 'agent'
      ? await agentManifest(request.file, request.manifest)
      : await findManifest(request.file, request.manifest);
  const { manifest } = found;
  const app = appOf(request.app, manifest);
  const wrong = misnamed(app, inspection.world) ?? otherVersion(inspection, version);
  if (wrong !== undefined) throw new WaferError('component.unsupported', wrong);
  const mismatch = worldMismatch(found, inspection.world);
  if (mismatch !== undefined) throw new WaferError('component.unsupported', mismatch);
  const problem = triggersProblem(manifest.triggers, inspection.world);
  if (problem !== undefined) throw new WaferError('manifest.invalid', `${found.file}: triggers.${problem}`);
  const refused = refusals(inspection.imports, manifest.grants);
  if (refused.length > 0)
    throw new WaferError(
      'component.import-refused',
      `${request.file} is refused: ${describeRefusals(refused)}. Grants are given in ${found.file}`,
    );
  const floor = request.floor === undefined ? undefined : parseCounter(request.floor);
  const draft = { ...draftRelease(app, version, component, inspection, manifest), floor };
  return { draft, component, manifest, channel };
}

/** A bundle says itself which version it is. */
const otherVersion = ({ version }: Inspection, wanted: Version): string | undefined =>
  version === undefined || version === wanted ? undefined : `the bundle is of ${version}, not of ${wanted}`;

function appOf(typed: string | undefined, manifest: Manifest): AppName {
  if (typed === undefined) {
    if (manifest.app !== undefined) return manifest.app;
    throw new WaferError('cli.usage', 'name the app with --app, or with "app" in wafer.yaml');
  }
  const app = named(AppName, typed);
  if (manifest.app !== undefined && manifest.app !== app)
    throw new WaferError('manifest.invalid', `app: the manifest is for "${manifest.app}", not for "${app}"`);
  return app;
}

function named<T extends z.ZodType>(schema: T, typed: string): z.infer<T> {
  const parsed = schema.safeParse(typed);
  if (parsed.success) return parsed.data;
  throw new WaferError(
    'cli.usage',
    `"${typed}": ${parsed.error.issues.map(({ message }) => message).join('; ')}`,
  );
}

async function upload(draft: Draft, component: Uint8Array, { api, startProgress }: Parties): Promise<void> {
  const progress = startProgress(`uploading ${draft.app} ${draft.version}`, component.length);
  try {
    await api.uploadBlob(draft.digest, component, progress.advance);
  } finally {
    progress.end();
  }
}
