/**
 * `wafer.yaml`: what an app asks for, in the app's own repository.
 *
 *     app: thermo                 # name of the app
 *     world: reactor              # optional check against what the component exports
 *     grants: …  limits: …  triggers: …  health: …  config: …
 *
 * Unknown keys are errors: a grant that is misspelt must not be silently absent.
 */
import { AppName, Grants, HealthRule, Limits, Triggers, WaferError, World } from '@wafer/protocol';
import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { z } from 'zod';

const MAX_MANIFEST_BYTES = 256 * 1024;

export const Manifest = z.strictObject({
  app: AppName.optional(),
  world: World.optional(),
  grants: Grants.default({}),
  limits: Limits.prefault({}),
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
  if (parsed.success) return parsed.data;
  const complaints = parsed.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? 'the file' : path.join('.')}: ${message}`,
  );
  throw new WaferError('manifest.invalid', `${file}: ${complaints.join('; ')}`);
}

/** `required` is whether the person named the file; the default one may be absent. */
export async function readManifest(file: string, required: boolean): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (!required && (error as NodeJS.ErrnoException).code === 'ENOENT') return Manifest.parse({});
    throw new WaferError('cli.usage', `the manifest ${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (text.length > MAX_MANIFEST_BYTES)
    throw new WaferError('manifest.invalid', `${file}: longer than ${MAX_MANIFEST_BYTES} bytes`);
  return parseManifest(text, file);
}
