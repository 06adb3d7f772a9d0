/**
 * From what is ordered and what is, the next step of each app. Pure: no clock, no disk, no network;
 * it is asked again after every step, so it never looks further ahead than one.
 *
 * In order of weight: a guest goes that the board has no memory for; what failed its soak goes back before
 * anything else; what nobody orders goes; what is installed runs before anything new is brought; what ended badly
 * is not tried again.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AppName, DesiredApp, Digest, ExecutionId, Fault } from '@wafer/protocol';
import type { Verdict } from '../trust/desired.ts';
import type { AppRecord, Release } from './journal.ts';
import type { Step } from './steps.ts';

export interface AppActual {
  readonly record: AppRecord;
  /** The execution whose instance serves now. */
  readonly serving: ExecutionId | undefined;
  /** Faults of the candidate since the switch. */
  readonly soakFaults: readonly Fault[];
  /** Nothing is tried again before, ms since 1970. */
  readonly bringAfter: number;
  readonly keepAfter: number;
  readonly restartAsked: boolean;
  /** Lowest counter that may run. */
  readonly floor: number;
  /** Why the board's owner does not allow what is installed, or the board runs no app at all. */
  readonly forbidden: Fault | undefined;
  /** It was stopped, since it may not run, and that was told. */
  readonly isStopped: boolean;
  /** It is to go because the board's memory runs out. */
  readonly relief: Fault | undefined;
}

export interface Actual {
  readonly apps: ReadonlyMap<AppName, AppActual>;
  /** Components that lie whole on disk. */
  readonly blobs: ReadonlySet<Digest>;
  /** Components that were made runnable since the agent started. */
  readonly prepared: ReadonlySet<Digest>;
  /** Executions that ended badly. */
  readonly ended: ReadonlySet<ExecutionId>;
  /** Nothing is started now; making something runnable is put off by the step itself, which takes memory. */
  readonly isMemoryShort: boolean;
}

/** Undefined while nothing that was verified says what is ordered: then nothing new is done. */
export type Desired = ReadonlyMap<AppName, Verdict> | undefined;

/** Times that a release may take the agent down with it before it is given up. */
export const MAX_INTERRUPTIONS = 3;

const IDLE: AppActual = {
  record: { current: null, previous: null, attempt: null, soak: null },
  serving: undefined,
  soakFaults: [],
  bringAfter: 0,
  keepAfter: 0,
  restartAsked: false,
  floor: 0,
  forbidden: undefined,
  isStopped: false,
  relief: undefined,
};

/** At most one step for each app. */
export function plan(desired: Desired, actual: Actual, now: number): Step[] {
  const names = new Set([...actual.apps.keys(), ...(desired?.keys() ?? [])]);
  return [...names].flatMap((app) => planApp(app, desired, actual, now) ?? []);
}

function planApp(app: AppName, desired: Desired, actual: Actual, now: number): Step | undefined {
  const own = actual.apps.get(app) ?? IDLE;
  const { record } = own;
  if (record.current !== null && own.relief !== undefined && own.serving !== undefined) {
    return { step: 'relieve', app, release: record.current, fault: own.relief };
  }
  const tripped = soakVerdict(own);
  if (record.current !== null && tripped !== undefined) {
    return { step: 'rollback', app, release: record.current, fault: tripped };
  }
  if (desired === undefined) return settled(app, own, now) ?? keepRunning(app, own, actual, now);

  const verdict = desired.get(app);
  if (verdict === undefined) return isEmpty(record) ? undefined : { step: 'remove', app };
  const { order } = verdict;
  if (verdict.kind === 'rejected' && !actual.ended.has(order.execution)) {
    return { step: 'reject', app, order, fault: verdict.fault };
  }
  if (verdict.kind === 'rejected' || actual.ended.has(order.execution) || isCurrent(record, order)) {
    if (record.attempt !== null) return { step: 'cancel', app };
    return settled(app, own, now) ?? keepRunning(app, own, actual, now);
  }
  const release: Release = { order, custom: verdict.custom };
  return keepRunning(app, own, actual, now) ?? bring(app, release, own, actual, now);
}

function bring(
  app: AppName,
  release: Release,
  own: AppActual,
  { blobs, prepared, isMemoryShort }: Actual,
  now: number,
): Step | undefined {
  const { current, attempt, soak } = own.record;
  const digest = release.order.target.sha256;
  if (soak !== null && current !== null) return { step: 'supersede', app, release: current };
  if (current !== null && isSameRelease(current.order, release.order)) return { step: 'adopt', app, release };
  if (attempt?.release.order.execution !== release.order.execution) return { step: 'begin', app, release };
  if (attempt.starts >= MAX_INTERRUPTIONS) {
    return { step: 'giveUp', app, release, fault: crashLoop(release, attempt.starts) };
  }
  if (now < own.bringAfter) return undefined;
  if (!blobs.has(digest)) return { step: 'fetch', app, release, purpose: 'bring' };
  if (!prepared.has(digest)) return { step: 'prepare', app, release, purpose: 'bring' };
  if (isMemoryShort) return undefined;
  return { step: 'swap', app, release };
}

/** Undefined when what is installed serves, or cannot be helped now. */
function keepRunning(
  app: AppName,
  own: AppActual,
  { blobs, prepared, isMemoryShort }: Actual,
  now: number,
): Step | undefined {
  const release = own.record.current;
  if (release === null) return undefined;
  const { counter, execution, target } = release.order;
  const fault = counter < own.floor ? belowFloor(release, own.floor) : own.forbidden;
  if (fault !== undefined) {
    const isDone = own.isStopped && own.serving === undefined;
    return isDone ? undefined : { step: 'stop', app, release, fault };
  }
  if (own.serving === execution) return own.restartAsked ? { step: 'restart', app, release } : undefined;
  if (now < own.keepAfter) return undefined;
  if (!blobs.has(target.sha256)) return { step: 'fetch', app, release, purpose: 'keep' };
  if (!prepared.has(target.sha256)) return { step: 'prepare', app, release, purpose: 'keep' };
  return isMemoryShort ? undefined : { step: 'start', app, release };
}

function settled(app: AppName, { record, serving }: AppActual, now: number): Step | undefined {
  const { current, soak } = record;
  if (current === null || soak === null || serving !== current.order.execution) return undefined;
  return now >= soak.until ? { step: 'settle', app, release: current } : undefined;
}

/** Why the candidate must go back; undefined while its health rule is kept. */
function soakVerdict({ record, soakFaults }: AppActual): Fault | undefined {
  const { current, soak } = record;
  if (current === null || soak === null) return undefined;
  if (soak.boots > MAX_INTERRUPTIONS) return crashLoop(current, soak.boots);
  if (soakFaults.length <= current.order.health.soakFaults) return undefined;
  return soakFaults[0];
}

const isEmpty = ({ current, previous, attempt }: AppRecord): boolean =>
  current === null && previous === null && attempt === null;

const isCurrent = ({ current }: AppRecord, order: DesiredApp): boolean =>
  current?.order.execution === order.execution;

/** The same component with the same grants, configuration, limits and rules. */
function isSameRelease(a: DesiredApp, b: DesiredApp): boolean {
  return isDeepStrictEqual({ ...a, execution: b.execution, channel: b.channel }, b);
}

const crashLoop = ({ order }: Release, times: number): Fault => ({
  kind: 'crash-loop',
  message: `${order.app} ${order.version} took the agent down ${times} times and is not started again`,
});

const belowFloor = ({ order }: Release, floor: number): Fault => ({
  kind: 'policy',
  message: `${order.app} ${order.version} may not run any more: its counter is ${order.counter}, its publisher's floor ${floor}`,
  subject: 'floor',
});
