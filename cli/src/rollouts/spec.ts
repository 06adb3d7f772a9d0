/** What a person types about a rollout → the body of POST /rollouts. */
import { CreateRollout, WaferError, type WaveOf } from '@wafer/protocol';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { parseName } from '../fleet/names.ts';

export interface SpecOptions {
  readonly name?: string;
  readonly waves?: string;
  readonly success?: string;
  readonly errors?: string;
  readonly soak?: string;
  readonly approval?: boolean;
  readonly onTrip?: string;
  readonly inFlight?: string;
  readonly group?: string;
  readonly fingerprint?: string;
  readonly file?: string;
}

/** One wave as it is typed: `10%`, `20`, `5/arch`, `hash:100`, `group:lab`, `tag:site=oslo`, `rest`. */
function parseWave(typed: string): WaveOf {
  const text = typed.trim();
  const number = (found: RegExpExecArray | null): number | undefined =>
    found === null ? undefined : Number(found[1]);
  const percent = number(/^(\d{1,3})%$/.exec(text));
  if (percent !== undefined) return { of: 'percent', percent };
  const count = number(/^(\d{1,8})$/.exec(text));
  if (count !== undefined) return { of: 'count', count };
  const each = number(/^(\d{1,8})\/arch$/.exec(text));
  if (each !== undefined) return { of: 'architecture', each };
  const below = number(/^hash:(\d{1,5})$/.exec(text));
  if (below !== undefined) return { of: 'hash', below };
  if (text === 'rest') return { of: 'rest' };
  const group = /^group:(.+)$/.exec(text)?.[1];
  if (group !== undefined) return { of: 'group', group };
  const [, key, value] = /^tag:([^=]+)=(.*)$/.exec(text) ?? [];
  if (key !== undefined && value !== undefined) return { of: 'tag', key, value };
  throw new WaferError(
    'cli.usage',
    `"${typed}" is no wave: write 10% (in total), 20 (devices), 5/arch, hash:100, group:lab, tag:site=oslo or rest`,
  );
}

function wholeNumber(option: string, typed: string | undefined): number | undefined {
  if (typed === undefined) return undefined;
  if (!/^\d{1,8}$/.test(typed))
    throw new WaferError('cli.usage', `--${option} takes a whole number, not "${typed}"`);
  return Number(typed);
}

/** Absent options leave the server's defaults alone. */
function gateOf(options: SpecOptions): Record<string, unknown> {
  const given = {
    successPercent: wholeNumber('success', options.success),
    errorCount: wholeNumber('errors', options.errors),
    soakMinutes: wholeNumber('soak', options.soak),
    approval: options.approval,
    onTrip: options.onTrip,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** `thermo@1.4.0` */
function parseTarget(typed: string): { app: string; version: string } {
  const [app = '', version, ...more] = typed.split('@');
  if (version === undefined || more.length > 0)
    throw new WaferError('cli.usage', `"${typed}" is no release: write <app>@<version>, as in thermo@1.4.0`);
  return { app: parseName('app', app), version: parseName('version', version) };
}

/** The file says everything that the options do not, in YAML or JSON, by the names of the API. */
async function readPlan(file: string | undefined, cwd: string): Promise<Record<string, unknown>> {
  if (file === undefined) return {};
  const text = await readFile(resolve(cwd, file), 'utf8').catch((cause: unknown) => {
    throw new WaferError('cli.usage', `${file} cannot be read`, { cause });
  });
  const document = parseDocument(text);
  const plan: unknown = document.errors.length === 0 ? document.toJS() : undefined;
  if (plan !== null && typeof plan === 'object' && !Array.isArray(plan))
    return plan as Record<string, unknown>;
  throw new WaferError('cli.usage', `${file} is no rollout: it holds names and values, in YAML or JSON`);
}

/** Throws cli.usage with every place that does not fit. */
export async function specOf(
  channel: string,
  targets: readonly string[],
  options: SpecOptions,
  cwd: string,
): Promise<z.input<typeof CreateRollout>> {
  const plan = await readPlan(options.file, cwd);
  const gate = gateOf(options);
  const waves = (options.waves ?? 'rest').split(',').map((typed) => ({ devices: parseWave(typed), gate }));
  const hasWaves = options.waves !== undefined || Object.keys(gate).length > 0;
  const named = targets.map(parseTarget);
  const spec = {
    name: options.name ?? targets.join(', '),
    ...plan,
    channel: parseName('channel', channel),
    ...(named.length > 0 && { targets: named }),
    ...(options.name !== undefined && { name: options.name }),
    ...((hasWaves || plan['waves'] === undefined) && { waves }),
    ...(options.inFlight !== undefined && { inFlight: wholeNumber('in-flight', options.inFlight) }),
    ...(options.group !== undefined && { among: { group: options.group } }),
    ...(options.fingerprint !== undefined && { fingerprint: options.fingerprint }),
  };
  const parsed = CreateRollout.safeParse(spec);
  if (!parsed.success) throw new WaferError('cli.usage', z.prettifyError(parsed.error));
  return parsed.data;
}
