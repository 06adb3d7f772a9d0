import fc from 'fast-check';
import {
  AppName,
  DesiredApp,
  Digest,
  ExecutionId,
  ReleaseCustom,
  type Fault,
  type SwapFigures,
} from '@wafer/protocol';
import { expect, test } from 'vitest';
import type { Verdict } from '../trust/desired.ts';
import { EMPTY_RECORD, type AppRecord, type Release } from './journal.ts';
import { MAX_INTERRUPTIONS, plan, type Actual, type AppActual } from './plan.ts';

const THERMO = AppName.parse('thermo');
const NOW = 1_000_000;
const FIGURES: SwapFigures = {
  cause: 'release',
  prepareMs: 0,
  startMs: 0,
  probeMs: 0,
  gapMs: 0,
  drainMs: 0,
  lostCalls: 0,
};
const TRAP: Fault = { kind: 'trap', message: 'unreachable' };

const digestOf = (number: number) => Digest.parse(String(number).repeat(64).slice(0, 64));
const executionOf = (execution: number) =>
  ExecutionId.parse(`00000000-0000-4000-8000-${String(execution).padStart(12, '0')}`);

/** Release number n, ordered by execution number n unless told otherwise. */
function release(number: number, execution = number): Release {
  const sha256 = digestOf(number);
  const version = `1.${number}.0`;
  return {
    order: DesiredApp.parse({
      app: THERMO,
      execution: executionOf(execution),
      channel: 'stable',
      version,
      target: { path: `thermo/${version}/${sha256}.wasm`, sha256, length: 10 },
      counter: number,
      grants: {},
      limits: {},
      triggers: {},
      health: {},
    }),
    custom: ReleaseCustom.parse({
      wafer: 1,
      app: THERMO,
      version,
      counter: number,
      world: 'reactor',
      imports: [],
      exports: [],
      grants: {},
      memoryMiB: 1,
      chunks: [sha256],
    }),
  };
}

const ordered = (wanted: Release): ReadonlyMap<AppName, Verdict> =>
  new Map([[THERMO, { kind: 'admitted', ...wanted }]]);

const rejected = ({ order }: Release): ReadonlyMap<AppName, Verdict> =>
  new Map([[THERMO, { kind: 'rejected', order, fault: { kind: 'policy', message: 'no' } }]]);

const attempt = (wanted: Release, starts = 0): AppRecord['attempt'] => ({
  release: wanted,
  stage: 'downloading',
  starts,
});

const soak = (until: number, boots = 0): AppRecord['soak'] => ({ until, boots, figures: FIGURES });

interface Given extends Partial<Omit<AppActual, 'record'>>, Partial<AppRecord> {
  /** Releases whose component lies on disk, and those that are prepared as well. */
  readonly blobs?: readonly number[];
  readonly prepared?: readonly number[];
  readonly ended?: readonly number[];
  readonly isMemoryShort?: boolean;
}

function given({ blobs = [], prepared = [], ended = [], isMemoryShort = false, ...rest }: Given): Actual {
  const { current, previous, attempt: trying, soak: soaking, ...notes } = rest;
  const record: AppRecord = {
    ...EMPTY_RECORD,
    ...(current === undefined ? {} : { current }),
    ...(previous === undefined ? {} : { previous }),
    ...(trying === undefined ? {} : { attempt: trying }),
    ...(soaking === undefined ? {} : { soak: soaking }),
  };
  const own: AppActual = {
    record,
    serving: undefined,
    soakFaults: [],
    bringAfter: 0,
    keepAfter: 0,
    restartAsked: false,
    floor: 0,
    forbidden: undefined,
    isStopped: false,
    relief: undefined,
    ...notes,
  };
  return {
    apps: new Map([[THERMO, own]]),
    blobs: new Set([...blobs, ...prepared].map(digestOf)),
    prepared: new Set(prepared.map(digestOf)),
    ended: new Set(ended.map(executionOf)),
    isMemoryShort,
  };
}

const serving = (number: number): Given => ({
  current: release(number),
  serving: executionOf(number),
  prepared: [number],
});

const steps = (desired: Parameters<typeof plan>[0], actual: Actual) =>
  plan(desired, actual, NOW).map(({ step }) => step);

test('with nothing ordered and nothing installed there is nothing to do', () => {
  expect(
    plan(
      new Map(),
      { apps: new Map(), blobs: new Set(), prepared: new Set(), ended: new Set(), isMemoryShort: false },
      NOW,
    ),
  ).toEqual([]);
});

test('a new order is first written down, then fetched, prepared, and swapped in', () => {
  const wanted = release(1);
  expect(steps(ordered(wanted), given({}))).toEqual(['begin']);
  expect(steps(ordered(wanted), given({ attempt: attempt(wanted) }))).toEqual(['fetch']);
  expect(steps(ordered(wanted), given({ attempt: attempt(wanted), blobs: [1] }))).toEqual(['prepare']);
  expect(steps(ordered(wanted), given({ attempt: attempt(wanted), prepared: [1] }))).toEqual(['swap']);
});

const SHORTAGE: Fault = { kind: 'memory-limit', message: 'the largest', subject: 'board memory' };

test('the guest that the board has no memory for goes before anything else, once', () => {
  const soaking = { ...serving(2), soak: soak(NOW - 1), soakFaults: [TRAP], relief: SHORTAGE };
  expect(plan(ordered(release(2)), given(soaking), NOW)).toMatchObject([
    { step: 'relieve', fault: SHORTAGE },
  ]);
  expect(steps(undefined, given({ ...serving(1), relief: SHORTAGE }))).toEqual(['relieve']);
  expect(steps(undefined, given({ ...serving(1), serving: undefined, relief: SHORTAGE }))).toEqual(['start']);
});

test('while memory is short nothing is started, and what is ordered is still fetched', () => {
  const short = { isMemoryShort: true };
  const wanted = release(2);
  expect(steps(ordered(release(1)), given({ ...serving(1), serving: undefined, ...short }))).toEqual([]);
  const trying = { ...serving(1), attempt: attempt(wanted), ...short };
  expect(steps(ordered(wanted), given(trying))).toEqual(['fetch']);
  expect(steps(ordered(wanted), given({ ...trying, prepared: [1, 2] }))).toEqual([]);
});

test('what serves as ordered is left alone', () => {
  expect(steps(ordered(release(1)), given(serving(1)))).toEqual([]);
});

test('after a boot, what is installed starts before anything new is brought', () => {
  const state = { current: release(1), attempt: attempt(release(2)), prepared: [1, 2] };
  expect(plan(ordered(release(2)), given(state), NOW)).toMatchObject([
    { step: 'start', release: { order: { version: '1.1.0' } } },
  ]);
});

test('what is installed and does not start holds nothing new back', () => {
  const state = { current: release(1), keepAfter: NOW + 1, attempt: attempt(release(2)), prepared: [2] };
  expect(steps(ordered(release(2)), given(state))).toEqual(['swap']);
});

test('without verified orders only what is installed is kept running', () => {
  expect(steps(undefined, given({ current: release(1), prepared: [1] }))).toEqual(['start']);
  expect(steps(undefined, given({ attempt: attempt(release(1)) }))).toEqual([]);
  expect(steps(undefined, given(serving(1)))).toEqual([]);
});

test('an installed component that is not on disk is fetched, to be kept rather than brought', () => {
  expect(plan(undefined, given({ current: release(1) }), NOW)).toMatchObject([
    { step: 'fetch', purpose: 'keep' },
  ]);
});

test('a soak that held is settled; one that is not over is waited for', () => {
  const over = { ...serving(2), soak: soak(NOW) };
  expect(steps(ordered(release(2)), given(over))).toEqual(['settle']);
  const going = { ...serving(2), soak: soak(NOW + 1) };
  expect(steps(ordered(release(2)), given(going))).toEqual([]);
});

test('a soak is not settled while the candidate does not serve', () => {
  const state = { current: release(2), prepared: [2], soak: soak(NOW) };
  expect(steps(ordered(release(2)), given(state))).toEqual(['start']);
});

test('a fault beyond the rule goes back before anything else, even before a newer order', () => {
  const state = { ...serving(2), soak: soak(NOW), soakFaults: [TRAP] };
  expect(plan(ordered(release(3)), given(state), NOW)).toMatchObject([{ step: 'rollback', fault: TRAP }]);
});

test('an agent that went down too often during a soak goes back', () => {
  const state = { ...serving(2), soak: soak(NOW + 1, MAX_INTERRUPTIONS + 1) };
  expect(plan(ordered(release(2)), given(state), NOW)).toMatchObject([
    { step: 'rollback', fault: { kind: 'crash-loop' } },
  ]);
});

test('a start that took the agent down too often is given up', () => {
  const state = { ...serving(1), attempt: attempt(release(2), MAX_INTERRUPTIONS), prepared: [1, 2] };
  expect(plan(ordered(release(2)), given(state), NOW)).toMatchObject([
    { step: 'giveUp', fault: { kind: 'crash-loop' } },
  ]);
});

test('a newer order ends a soak that holds, and replaces what was being brought', () => {
  expect(steps(ordered(release(3)), given({ ...serving(2), soak: soak(NOW + 1) }))).toEqual(['supersede']);
  const trying = { ...serving(1), attempt: attempt(release(2)) };
  expect(plan(ordered(release(3)), given(trying), NOW)).toMatchObject([
    { step: 'begin', release: { order: { version: '1.3.0' } } },
  ]);
});

test('the same release under another execution is adopted, with other settings it is brought', () => {
  expect(steps(ordered(release(1, 7)), given(serving(1)))).toEqual(['adopt']);
  const other = release(1, 7);
  const changed = { ...other, order: { ...other.order, config: { unit: 'K' } } };
  expect(steps(ordered(changed), given(serving(1)))).toEqual(['begin']);
});

test('an execution that ended badly is not tried again, and its remains are cleared', () => {
  expect(steps(ordered(release(2)), given({ ...serving(1), ended: [2] }))).toEqual([]);
  const state = { ...serving(1), attempt: attempt(release(3)), ended: [2] };
  expect(steps(ordered(release(2)), given(state))).toEqual(['cancel']);
});

test('an order that is refused is said once, and what runs runs on', () => {
  expect(steps(rejected(release(2)), given(serving(1)))).toEqual(['reject']);
  expect(steps(rejected(release(2)), given({ ...serving(1), ended: [2] }))).toEqual([]);
});

test('what nobody orders any more is removed', () => {
  expect(steps(new Map(), given(serving(1)))).toEqual(['remove']);
});

test('what is below the floor stops and is not started', () => {
  expect(steps(ordered(release(1)), given({ ...serving(1), floor: 2 }))).toEqual(['stop']);
  const after = { current: release(1), prepared: [1], floor: 2 };
  expect(steps(ordered(release(1)), given({ ...after, isStopped: true }))).toEqual([]);
});

test("what the board's owner forbids after it was installed stops, and a boot says so once", () => {
  const forbidden = { kind: 'policy' as const, message: 'no', subject: 'policy.apps' };
  expect(steps(ordered(release(1)), given({ ...serving(1), forbidden }))).toEqual(['stop']);
  const booted = { current: release(1), prepared: [1], forbidden };
  expect(steps(undefined, given(booted))).toEqual(['stop']);
  expect(steps(undefined, given({ ...booted, isStopped: true }))).toEqual([]);
});

test('whatever the state: at most one step, never a swap of what is not prepared or ended, never a start below the floor', () => {
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const number = fc.integer({ min: 1, max: 4 });
  const state = fc.record({
    current: fc.option(number),
    previous: fc.option(number),
    attempt: fc.option(number),
    starts: fc.integer({ min: 0, max: 4 }),
    soakUntil: fc.option(fc.integer({ min: NOW - 5, max: NOW + 5 })),
    boots: fc.integer({ min: 0, max: 5 }),
    serving: maybe(number),
    faults: fc.integer({ min: 0, max: 2 }),
    floor: number,
    blobs: fc.uniqueArray(number),
    prepared: fc.uniqueArray(number),
    ended: fc.uniqueArray(number),
    wanted: maybe(number),
    refused: fc.boolean(),
  });
  fc.assert(
    fc.property(state, (s) => {
      const actual = given({
        current: s.current === null ? null : release(s.current),
        previous: s.previous === null ? null : release(s.previous),
        attempt: s.attempt === null ? null : attempt(release(s.attempt), s.starts),
        soak: s.soakUntil === null ? null : soak(s.soakUntil, s.boots),
        serving: s.serving === undefined ? undefined : executionOf(s.serving),
        soakFaults: Array.from({ length: s.faults }, () => TRAP),
        floor: s.floor,
        blobs: s.blobs,
        prepared: s.prepared,
        ended: s.ended,
      });
      const wanted = s.wanted === undefined ? undefined : release(s.wanted);
      const desired = wanted && (s.refused ? rejected(wanted) : ordered(wanted));
      const [step, ...more] = plan(desired, actual, NOW);
      expect(more).toEqual([]);
      if (step === undefined) return;
      if (step.step === 'swap') {
        expect(s.prepared).toContain(s.wanted);
        expect(s.ended).not.toContain(s.wanted);
        expect(s.refused).toBe(false);
      }
      if (step.step === 'start') expect(step.release.order.counter).toBeGreaterThanOrEqual(s.floor);
      if (desired === undefined)
        expect(['start', 'fetch', 'prepare', 'rollback', 'settle', 'stop']).toContain(step.step);
    }),
    { numRuns: 500 },
  );
});
