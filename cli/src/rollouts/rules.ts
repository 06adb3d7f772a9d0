/** Rules of gates and limits of time, as they are typed: lists of `name=number`. */
import { type Timeouts, WaferError } from '@wafer/protocol';
import { parseAmount, parseList, parsePair, parseWhole } from '../typed.ts';

interface TypedRule {
  readonly kind: string;
  readonly count?: number;
  readonly percent?: number;
}

/**
 * `link=5%,trap=3`: kinds of fault with the number of devices, or the share, that stops the rollout. One
 * damaged signature stops it, too, unless `signature` is named.
 */
export function parseFaultRules(typed: readonly string[]): TypedRule[] {
  const rules = new Map<string, TypedRule>([['signature', { kind: 'signature', count: 1 }]]);
  const named = new Set<string>();
  for (const each of typed.flatMap(parseList)) {
    const [kind, amount] = parsePair('--fault', each);
    const earlier = named.has(kind) ? rules.get(kind) : undefined;
    rules.set(kind, { ...earlier, kind, ...parseAmount('fault', amount) });
    named.add(kind);
  }
  return [...rules.values()];
}

const MEASURES: Readonly<Record<string, string>> = {
  memory: 'memoryPercent',
  latency: 'latencyPercent',
  faults: 'faultPoints',
  devices: 'minDevices',
};

/** `memory=50,latency=100,faults=2,devices=5`: how much worse updated devices may be. */
export const parseComparison = (typed: string): Record<string, number> =>
  Object.fromEntries(
    parseList(typed).map((each) => {
      const [name, value] = parsePair('--compare', each);
      const measure = Object.hasOwn(MEASURES, name) ? MEASURES[name] : undefined;
      if (measure === undefined)
        throw new WaferError(
          'cli.usage',
          `--compare: "${name}" is none of ${Object.keys(MEASURES).join(', ')}`,
        );
      return [measure, parseWhole('compare', value.replace(/%$/, ''))];
    }),
  );

/** `downloading=60,soaking=30`: minutes of silence for each stage. */
export const parseTimeouts = (typed: readonly string[]): Partial<Timeouts> =>
  Object.fromEntries(
    typed.flatMap(parseList).map((each) => {
      const [stage, minutes] = parsePair('--timeout', each);
      return [stage, parseWhole('timeout', minutes)];
    }),
  );
