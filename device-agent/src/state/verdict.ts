/**
 * Two rules of the soak. `compare`: does a release do worse than the one before it by more than its
 * health rule allows? `isSoundAfter`: after which faults is a release that goes back still believed when
 * it is asked for its state? Pure.
 */
import type { Fault, FaultKind, HealthRule } from '@wafer/protocol';
import type { ReleaseFigures } from '../apps/runtime.ts';

/** Less than this never counts, whatever the release before did: a board's own noise is as large. */
const LEAST_LATENCY_MS = 5;
const LEAST_MEMORY_BYTES = 4 * 1024 * 1024;

const sparse = (value: number): string => String(Number(value.toPrecision(value < 10 ? 2 : 3)));
const mebibytes = (bytes: number): string => `${sparse(bytes / 1024 / 1024)} MiB`;
const faultsPer100 = ({ faults, calls }: ReleaseFigures): number => (100 * faults) / calls;

const unhealthy = (subject: keyof HealthRule, message: string): Fault => ({
  kind: 'unhealthy',
  message,
  subject,
});

/** The fault that names the rule and both figures; undefined while the rule is kept, or too little is known. */
export function compare(rule: HealthRule, now: ReleaseFigures, before: ReleaseFigures): Fault | undefined {
  if (Math.min(now.calls, before.calls) < rule.compareAfterCalls) return undefined;
  return faultRise(rule, now, before) ?? latency(rule, now, before) ?? memory(rule, now, before);
}

function faultRise(rule: HealthRule, now: ReleaseFigures, before: ReleaseFigures): Fault | undefined {
  const rise = faultsPer100(now) - faultsPer100(before);
  if (rise <= rule.maxFaultRisePercent) return undefined;
  return unhealthy(
    'maxFaultRisePercent',
    `${sparse(faultsPer100(now))} faults in 100 calls, ${sparse(rise)} more than the ${sparse(faultsPer100(before))} of ${before.version}; the rule allows ${rule.maxFaultRisePercent} more`,
  );
}

function latency(rule: HealthRule, now: ReleaseFigures, before: ReleaseFigures): Fault | undefined {
  if (now.p90Ms === undefined || before.p90Ms === undefined || now.p90Ms < LEAST_LATENCY_MS) return undefined;
  const times = now.p90Ms / before.p90Ms;
  if (times * 100 <= rule.maxLatencyPercent) return undefined;
  return unhealthy(
    'maxLatencyPercent',
    `p90 latency ${sparse(now.p90Ms)} ms, ${sparse(times)} times the ${sparse(before.p90Ms)} ms of ${before.version}; the rule allows ${sparse(rule.maxLatencyPercent / 100)} times`,
  );
}

function memory(rule: HealthRule, now: ReleaseFigures, before: ReleaseFigures): Fault | undefined {
  if (before.memoryBytes === 0 || now.memoryBytes < LEAST_MEMORY_BYTES) return undefined;
  const times = now.memoryBytes / before.memoryBytes;
  if (times * 100 <= rule.maxMemoryPercent) return undefined;
  return unhealthy(
    'maxMemoryPercent',
    `memory ${mebibytes(now.memoryBytes)}, ${sparse(times)} times the ${mebibytes(before.memoryBytes)} of ${before.version}; the rule allows ${sparse(rule.maxMemoryPercent / 100)} times`,
  );
}

/**
 * A release that was denied something, or met a limit, goes back for what it asked of the board; what it
 * holds in memory may be right all the same. One that trapped, hung, ran out of memory or did worse than
 * the one before is not believed.
 */
export function isSoundAfter(kind: FaultKind): boolean {
  switch (kind) {
    case 'capability-denied':
    case 'policy':
    case 'disk':
    case 'link':
    case 'calls-limit':
    case 'queue-limit':
    case 'log-limit':
    case 'store-limit':
    case 'messages-limit':
    case 'bytes-limit':
      return true;
    case 'signature':
    case 'expired':
    case 'digest':
    case 'incompatible':
    case 'prepare':
    case 'trap':
    case 'memory-limit':
    case 'deadline':
    case 'probe-failed':
    case 'unhealthy':
    case 'crash-loop':
      return false;
  }
}
