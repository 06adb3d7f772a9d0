/**
 * `wafer.yaml`: what an app asks for, in the app's own repository.
 *
 *     app: thermo                 # name of the app
 *     world: reactor              # optional check against what the component exports
 *     grants: …  limits: …  isolation: …  triggers: …  health: …  config: …
 *
 * Unknown keys are errors: a grant that is misspelt must not be silently absent.
 */
import {
  AGENT_APP,
  AppName,
  Grants,
  HealthRule,
  Isolation,
  Limits,
  Triggers,
  WaferError,
  World,
} from '@wafer/protocol';
import { triggersProblem } from '@wafer/protocol/schedule';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';

const MAX_MANIFEST_BYTES = 256 * 1024;

export const Manifest = z.strictObject({
  app: AppName.optional(),
  world: World.optional(),
  grants: Grants.default({}),
  limits: Limits.prefault({}),
  isolation: Isolation.default('shared'),
  triggers: Triggers.default({}),
  health: HealthRule.prefault({}),
  config: z.record(z.string().max(100), z.string().max(4000)).default({}),
});
export type Manifest = z.infer<typeof Manifest>;

/** Throws manifest.invalid; every complaint names its key, or its line. */
export function parseManifest(text: string, file: string): Manifest {
  const document = parseDocument(text);
  const [broken] = document.errors;
  if (broken) throw new WaferError('manifest.invalid', `${file}: ${broken.message.split('\n', 1)[0]}`);
  // An empty file is an app that asks for nothing.
  const parsed = Manifest.safeParse(document.toJS() ?? {});
  if (parsed.success) {
    const problem = triggersProblem(parsed.data.triggers, parsed.data.world);
    if (problem === undefined) return parsed.data;
    throw new WaferError('manifest.invalid', `${file}: triggers.${problem}`);
  }
  const complaints = parsed.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? 'the file' : path.join('.')}: ${message}`,
  );
  throw new WaferError('manifest.invalid', `${file}: ${complaints.join('; ')}`);
}

/** A manifest and where it stands, or would stand. */
export interface Found {
  readonly file: string;
  readonly manifest: Manifest;
  /** False when there is no such file: an app that asks for nothing. */
  readonly isWritten: boolean;
}

/** The manifest that the person named, which must be there; else the one beside `component`, if any. */
export async function findManifest(component: string, named: string | undefined): Promise<Found> {
  const file = named ?? join(dirname(component), 'wafer.yaml');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (named === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT')
      return { file, manifest: Manifest.parse({}), isWritten: false };
    throw new WaferError('cli.usage', `the manifest ${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (text.length > MAX_MANIFEST_BYTES)
    throw new WaferError('manifest.invalid', `${file}: longer than ${MAX_MANIFEST_BYTES} bytes`);
  return { file, manifest: parseManifest(text, file), isWritten: true };
}

/** How long an agent must hold before what it replaced is given up. */
const AGENT_SOAK_MS = 60_000;

/** As for an app, but that only a manifest which the person named counts: a bundle lies among builds. */
export async function agentManifest(bundle: string, named: string | undefined): Promise<Found> {
  const found =
    named === undefined
      ? { file: bundle, manifest: Manifest.parse({ health: { soakMs: AGENT_SOAK_MS } }), isWritten: false }
      : await findManifest(bundle, named);
  return { ...found, manifest: { ...found.manifest, app: AGENT_APP } };
}

/** Why a component of this world is not the one that the manifest is about; undefined when it is. */
export const worldMismatch = ({ file, manifest }: Found, world: World): string | undefined =>
  manifest.world === undefined || manifest.world === world
    ? undefined
    : `${file} says world: ${manifest.world}, but its exports make the component a ${world}`;
