/** What a person types about a simulated fleet → the order that begins it. */
import { resolve } from 'node:path';
import { WaferError } from '@wafer/protocol';
import { Simulation } from '@wafer/protocol/simulate';
import { parseName } from '../fleet/names.ts';
import { parseDuration } from '../typed.ts';

export interface SimulateOptions {
  readonly devices: string;
  readonly seed: string;
  readonly channel: string;
  readonly behaviours?: string;
  readonly architectures: string;
  readonly bad: readonly string[];
  readonly slow: string;
  readonly health: string;
  readonly data: string;
  readonly yesReally?: boolean;
  readonly json?: boolean;
}

/** `fail=2%,slow=0.5%` → percent by name. */
function parseShares(option: string, typed: string): Record<string, number> {
  const shares = typed.split(',').map((part): [string, number] => {
    const found = /^([a-z0-9]+)=(\d{1,3}(?:\.\d{1,4})?)%$/.exec(part.trim());
    if (found?.[1] === undefined)
      throw new WaferError(
        'cli.usage',
        `--${option}: "${part}" is no share: write NAME=PERCENT%, as in slow=5%`,
      );
    return [found[1], Number(found[2])];
  });
  if (new Set(shares.map(([name]) => name)).size < shares.length)
    throw new WaferError('cli.usage', `--${option}: a name stands there twice`);
  return Object.fromEntries(shares);
}

/** Throws cli.usage with every place that does not fit. */
export function simulationOf(options: SimulateOptions, cwd: string): Simulation {
  const parsed = Simulation.safeParse({
    devices: Number(options.devices),
    seed: options.seed,
    behaviours: options.behaviours === undefined ? {} : parseShares('behaviours', options.behaviours),
    architectures: parseShares('architectures', options.architectures),
    bad: options.bad.map((version) => parseName('version', version)),
    slowMs: parseDuration(options.slow) * 1000,
    healthEverySeconds: parseDuration(options.health),
    folder: resolve(cwd, options.data),
    mayLeaveThisMachine: options.yesReally === true,
  });
  if (parsed.success) return parsed.data;
  const complaints = parsed.error.issues.map(({ path, message }) => [...path, message].join(': '));
  throw new WaferError('cli.usage', complaints.join('; '));
}
