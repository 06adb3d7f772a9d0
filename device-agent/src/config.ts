/**
 * DIR/agent.yaml, or /etc/wafer-agent/agent.yaml of a package: what the board's owner decides. The file is optional; a key that is not known
 * is an error, because a misspelt cap that caps nothing is worse than an agent that does not start.
 *
 * `policy` is the owner's upper bound. Without it, or without one of its parts, that part is not
 * capped: a board whose owner wrote nothing takes what the publisher signed and the operator
 * approved, never more. What `policy.grants` lists is all that any app may get; `environment` and
 * `arguments` are data rather than power and are capped only when they are named there.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Policy } from '@wafer/protocol';
import { parse } from 'yaml';
import { z } from 'zod';

export const Config = z.strictObject({
  policy: Policy.default({}),
  /** Where to connect instead of the enrolled broker, when a gateway stands between. */
  broker: z.strictObject({ host: z.string().min(1), port: z.number().int().min(1).max(65_535) }).optional(),
  /** A link that costs: no broadcasts are taken. */
  metered: z.boolean().default(false),
  health: z.strictObject({ everySeconds: z.number().min(1).max(3600).default(10) }).prefault({}),
  /** Hours of running after which a grant that lay unused is suggested to be narrowed. */
  suggestAfterHours: z.number().min(1).max(87_600).default(168),
  /** Warm worker threads that guests share; absent: as many as suit the board's memory. */
  isolates: z.number().int().min(1).max(16).optional(),
});
export type Config = z.infer<typeof Config>;

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** The first place that does not fit, as `policy.grants.clock: expected boolean`. */
function explain(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'it does not fit';
  const keys = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const path = [...issue.path, ...keys].join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}

/** `name` stands in messages. Throws ConfigError, which names the offending key. */
export function parseConfig(text: string, name: string): Config {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw new ConfigError(`${name} is not valid YAML: ${String(error).split('\n')[0]}`);
  }
  const parsed = Config.safeParse(document ?? {});
  if (!parsed.success) throw new ConfigError(`${name}: ${explain(parsed.error)}`);
  return parsed.data;
}

/**
 * Reads `<folder>/agent.yaml`, or the file that a package keeps elsewhere for the owner alone (then the one in
 * the folder, where the agent itself may write, does not count); defaults when there is none. Throws ConfigError.
 */
export async function readConfig(folder: string, named = process.env['WAFER_AGENT_CONFIG']): Promise<Config> {
  const path = named ?? join(folder, 'agent.yaml');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Config.parse({});
    throw new ConfigError(`${path} cannot be read: ${(error as Error).message}`);
  }
  return parseConfig(text, path);
}
