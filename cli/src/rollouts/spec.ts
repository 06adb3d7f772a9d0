/** What a person types about a rollout → the body of POST /rollouts. */
import { CreateRollout, WaferError } from '@wafer/protocol';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { parseName } from '../fleet/names.ts';
import { parseBlackout, parseInstant, parseWindow } from './hours.ts';
import type { SpecOptions } from './options.ts';
import { parseAmount, parseList, parsePair, parseWhole } from '../typed.ts';
import { parseComparison, parseFaultRules, parseTimeouts } from './rules.ts';
import { parseWave } from './wave.ts';

type Plan = Record<string, unknown>;

/** What was not typed leaves the file and the server's defaults alone. */
const given = (plan: Plan): Plan =>
  Object.fromEntries(Object.entries(plan).filter(([, value]) => value !== undefined));

const whole = (option: string, typed: string | undefined): number | undefined =>
  typed === undefined ? undefined : parseWhole(option, typed);

const unlessNone = <T>(list: readonly T[]): readonly T[] | undefined =>
  list.length === 0 ? undefined : list;

/** `5` is a count, `5%` a share. */
function errorsOf(typed: string | undefined): Plan {
  if (typed === undefined) return {};
  const amount = parseAmount('errors', typed);
  return 'count' in amount ? { errorCount: amount.count } : { errorPercent: amount.percent };
}

const gateOf = (options: SpecOptions): Plan =>
  given({
    successPercent: whole('success', options.success),
    ...errorsOf(options.errors),
    faults: options.fault.length === 0 ? undefined : parseFaultRules(options.fault),
    minDevices: whole('min-devices', options.minDevices),
    soakMinutes: whole('soak', options.soak),
    unhealthyPercent: whole('unhealthy', options.unhealthy),
    compare: options.compare === undefined ? undefined : parseComparison(options.compare),
    approval: options.approval,
    onTrip: options.onTrip,
  });

function amongOf({ group, devicesNamed, tag }: SpecOptions): Plan | undefined {
  const among = given({
    group,
    devices: devicesNamed === undefined ? undefined : parseList(devicesNamed),
    tags: tag.length === 0 ? undefined : Object.fromEntries(tag.map((each) => parsePair('--tag', each))),
  });
  return Object.keys(among).length === 0 ? undefined : among;
}

const wholeOf = (options: SpecOptions, nowMs: number): Plan =>
  given({
    name: options.name,
    inFlight: whole('in-flight', options.inFlight),
    among: amongOf(options),
    timeouts: options.timeout.length === 0 ? undefined : parseTimeouts(options.timeout),
    windows: unlessNone(options.window.map(parseWindow)),
    blackouts: unlessNone(options.blackout.map(parseBlackout)),
    startAt: options.startAt === undefined ? undefined : parseInstant('start-at', options.startAt, nowMs),
    deadline: options.deadline === undefined ? undefined : parseInstant('deadline', options.deadline, nowMs),
    skip: options.skip === undefined ? undefined : parseList(options.skip),
    seed: options.seed,
    fingerprint: options.fingerprint,
  });

/** The waves that were typed, or those of the file, or everyone at once; each with the gate that was typed. */
function wavesOf(planned: unknown, options: SpecOptions): unknown {
  const gate = gateOf(options);
  const waves: unknown =
    options.waves === undefined
      ? (planned ?? [{ devices: { of: 'rest' } }])
      : parseList(options.waves).map((typed) => ({ devices: parseWave(typed) }));
  if (!Array.isArray(waves) || Object.keys(gate).length === 0) return waves;
  return waves.map((wave: { gate?: object }) => ({ ...wave, gate: { ...wave?.gate, ...gate } }));
}

/** `thermo@1.4.0` */
function parseTarget(typed: string): { app: string; version: string } {
  const [app = '', version, ...more] = typed.split('@');
  if (version === undefined || more.length > 0)
    throw new WaferError('cli.usage', `"${typed}" is no release: write <app>@<version>, as in thermo@1.4.0`);
  return { app: parseName('app', app), version: parseName('version', version) };
}

/** The file says everything that the options do not, in YAML or JSON, by the names of the API. */
async function readPlan(file: string | undefined, cwd: string): Promise<Plan> {
  if (file === undefined) return {};
  const text = await readFile(resolve(cwd, file), 'utf8').catch((cause: unknown) => {
    throw new WaferError('cli.usage', `${file} cannot be read`, { cause });
  });
  const document = parseDocument(text);
  const plan: unknown = document.errors.length === 0 ? document.toJS() : undefined;
  if (plan !== null && typeof plan === 'object' && !Array.isArray(plan)) return plan as Plan;
  throw new WaferError('cli.usage', `${file} is no rollout: it holds names and values, in YAML or JSON`);
}

/** Throws cli.usage with every place that does not fit. */
export async function specOf(
  channel: string,
  targets: readonly string[],
  options: SpecOptions,
  { cwd, clock }: Pick<Context, 'cwd' | 'clock'>,
): Promise<z.input<typeof CreateRollout>> {
  const plan = await readPlan(options.file, cwd);
  const named = targets.map(parseTarget);
  const parsed = CreateRollout.safeParse({
    name: targets.join(', '),
    ...plan,
    ...wholeOf(options, clock.now()),
    channel: parseName('channel', channel),
    ...(named.length > 0 && { targets: named }),
    waves: wavesOf(plan['waves'], options),
  });
  if (!parsed.success) throw new WaferError('cli.usage', z.prettifyError(parsed.error));
  return parsed.data;
}
