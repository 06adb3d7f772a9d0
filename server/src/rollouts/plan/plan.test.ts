/**
 * The planner against a fleet that does what it likes: 1,000 random schedules of answers, silence, orders
 * of people and jumps of the clock, with the invariants looked at after every single step.
 */
import {
  Comparison,
  CreateRollout,
  ENDED_ROLLOUTS,
  ROLLOUT_ACTIONS,
  WaferError,
  type ExecutionState,
  type RolloutAction,
} from '@wafer/protocol';
import { isOpen } from '@wafer/protocol/window';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { afterDecision, afterOrder, type Course } from './advance.ts';
import { whyWorse, type Sides } from './compare.ts';
import { hasEnded, whyTripped, type Tally } from './gate.ts';
import { plan, type Decision } from './plan.ts';

interface Member {
  readonly wave: number;
  readonly zone: string;
  state: ExecutionState;
  cause: string | null;
  /** It runs the new release. */
  updated: boolean;
  unhealthy: boolean;
}

const SUCCEEDED: ReadonlySet<ExecutionState> = new Set(['SUCCEEDED', 'ALREADY_INSTALLED']);
const WITHDRAWN: ReadonlySet<ExecutionState> = new Set(['CANCELED', 'REMOVED']);

const ZONES = ['UTC', 'Pacific/Auckland', 'America/Los_Angeles'] as const;

function zonesOf(members: readonly Member[]): Record<string, number> {
  const zones: Record<string, number> = {};
  for (const { zone } of members) zones[zone] = (zones[zone] ?? 0) + 1;
  return zones;
}

function tallyOf(all: readonly Member[], wave: number): Tally {
  const members = all.filter((member) => member.wave === wave);
  const causes: Record<string, number> = {};
  for (const { cause } of members) if (cause !== null) causes[cause] = (causes[cause] ?? 0) + 1;
  const count = (fits: (member: Member) => boolean): number => members.filter(fits).length;
  return {
    devices: members.length,
    waiting: count(({ state }) => state === 'QUEUED'),
    started: count(({ state }) => state === 'IN_PROGRESS'),
    succeeded: count(({ state }) => SUCCEEDED.has(state)),
    failed: count(({ cause }) => cause !== null),
    withdrawn: count(({ state }) => WITHDRAWN.has(state)),
    causes,
    unhealthy: count(({ state, unhealthy }) => SUCCEEDED.has(state) && unhealthy),
    zones: zonesOf(members.filter(({ state }) => state === 'QUEUED')),
  };
}

/** A rollout with its devices, in memory: what observe.ts and carry-out.ts do in Postgres. */
class World {
  course: Course;
  readonly spec: CreateRollout;
  readonly members: Member[];
  now = Date.parse('2026-11-21T09:00:00.000Z');
  overtaken = false;
  sides: Sides | undefined;

  constructor(spec: CreateRollout, sizes: readonly number[]) {
    this.spec = spec;
    this.members = sizes.flatMap((size, wave) =>
      Array.from({ length: size }, (_, index) => ({
        wave,
        zone: ZONES[index % ZONES.length] ?? 'UTC',
        state: 'QUEUED' as ExecutionState,
        cause: null,
        updated: false,
        unhealthy: false,
      })),
    );
    const waiting = { state: 'WAITING' as const, since: null, reason: null, forgiven: {} };
    this.course = { state: 'DRAFT', reason: null, waves: spec.waves.map(() => waiting) };
  }

  tallies = (): Tally[] => this.spec.waves.map((_, wave) => tallyOf(this.members, wave));

  look(): Decision[] {
    const observed = {
      tallies: this.tallies(),
      overtaken: this.overtaken,
      returning: 0,
      ...(this.sides && { sides: this.sides }),
    };
    return plan({ ...this.course, spec: this.spec }, observed, this.now);
  }

  carryOut(decision: Decision): void {
    const before = this.course.state;
    this.course = afterDecision(this.course, decision, this.now);
    if (decision.kind === 'start') this.#start(decision);
    if (before !== this.course.state) this.#stopped();
  }

  #start({ wave, count, zones }: Extract<Decision, { kind: 'start' }>): void {
    const next = this.members.filter(
      (member) =>
        member.wave === wave && member.state === 'QUEUED' && (zones === null || zones.includes(member.zone)),
    );
    if (next.length < count) throw new Error(`${count} of ${next.length} cannot be started`);
    for (const member of next.slice(0, count)) member.state = 'IN_PROGRESS';
  }

  #stopped(): void {
    const { state } = this.course;
    for (const member of this.members) {
      if (state === 'ABORTED' && !SUCCEEDED.has(member.state) && member.cause === null)
        member.state = 'CANCELED';
      if (state === 'ROLLING_BACK') {
        if (member.state === 'QUEUED' || member.state === 'IN_PROGRESS') member.state = 'CANCELED';
        if (SUCCEEDED.has(member.state)) Object.assign(member, { state: 'REMOVED', updated: false });
      }
    }
  }

  order(action: RolloutAction): void {
    const before = this.course.state;
    const circumstances = { needsApproval: false, tallies: this.tallies(), reason: null };
    this.course = afterOrder(this.course, action, circumstances, this.now);
    if (action === 'retry')
      for (const member of this.members)
        if (member.cause !== null) Object.assign(member, { state: 'QUEUED', cause: null });
    if (before !== this.course.state) this.#stopped();
  }

  /** A device answers, at whatever time, whatever it likes; one whose part is not under way changes nothing. */
  answer(at: number, outcome: Outcome): void {
    const member = this.members[at % Math.max(1, this.members.length)];
    if (member === undefined) return;
    if (outcome === 'ill') member.unhealthy = true;
    else if (member.state === 'IN_PROGRESS') {
      const succeeds = outcome === 'SUCCEEDED' || outcome === 'ALREADY_INSTALLED';
      member.state = succeeds ? outcome : outcome === 'TIMED_OUT' ? outcome : 'FAILED';
      member.cause = succeeds ? null : outcome;
      member.updated = succeeds;
    }
  }
}

const OUTCOMES = [
  'SUCCEEDED',
  'SUCCEEDED',
  'SUCCEEDED',
  'ALREADY_INSTALLED',
  'trap',
  'link',
  'signature',
  'TIMED_OUT',
  'ill',
] as const;
type Outcome = (typeof OUTCOMES)[number];

type Happening =
  | { readonly kind: 'answer'; readonly at: number; readonly outcome: Outcome }
  | { readonly kind: 'order'; readonly action: RolloutAction }
  | { readonly kind: 'clock'; readonly ms: number }
  | { readonly kind: 'look' }
  | { readonly kind: 'overtake' };

const look = fc.constant<Happening>({ kind: 'look' });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      at: fc.nat(200),
      outcome: fc.constantFrom(...OUTCOMES),
    }),
  },
  { weight: 10, arbitrary: look },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('order' as const),
      action: fc.constantFrom(...ROLLOUT_ACTIONS),
    }),
  },
  // Also back, as clocks do.
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('clock' as const),
      ms: fc.integer({ min: -600_000, max: 3_600_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Happening>({ kind: 'overtake' }) },
);

const gate = fc.record({
  successPercent: fc.integer({ min: 0, max: 100 }),
  errorCount: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  errorPercent: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
  minDevices: fc.integer({ min: 1, max: 5 }),
  soakMinutes: fc.integer({ min: 0, max: 30 }),
  approval: fc.boolean(),
  onTrip: fc.constantFrom('pause' as const, 'abort' as const, 'rollback' as const),
});

/** None, or one that is open in some zones and not in others, a day on which nothing happens, an end. */
const hours = fc.record({
  windows: fc.constantFrom<CreateRollout['windows'][]>(
    [],
    [{ cron: '0 2 * * *', minutes: 240 }],
    [{ cron: '*/30 * * * *', minutes: 10 }],
  ),
  blackouts: fc.constantFrom<CreateRollout['blackouts'][]>([], [{ from: '2026-11-21', to: '2026-11-21' }]),
  deadline: fc.constantFrom(undefined, '2026-11-21T12:00:00.000Z'),
});
type Hours = Partial<Pick<CreateRollout, 'windows' | 'blackouts' | 'deadline'>>;

const schedule = fc.record({
  hours,
  waves: fc.array(fc.record({ size: fc.nat(12), gate }), { minLength: 1, maxLength: 4 }),
  inFlight: fc.integer({ min: 1, max: 8 }),
  events: fc.array(happening, { maxLength: 120 }),
});

const specOf = (waves: readonly { gate: object }[], inFlight: number, given: Hours = {}): CreateRollout =>
  CreateRollout.parse({
    name: 'random',
    channel: 'stable',
    targets: [{ app: 'thermo', version: '1.1.0' }],
    waves: waves.map((wave) => ({ devices: { of: 'rest' }, gate: wave.gate })),
    inFlight,
    ...given,
  });

/** Everything that has to be true at every instant. */
function expectSound(world: World): void {
  const tallies = world.tallies();
  for (const tally of tallies) {
    const { devices, waiting, started, succeeded, failed, withdrawn } = tally;
    expect(waiting + started + succeeded + failed + withdrawn).toBe(devices);
  }
  expect(tallies.reduce((sum, { started }) => sum + started, 0)).toBeLessThanOrEqual(world.spec.inFlight);
  const { state, waves } = world.course;
  const current = waves.findIndex((wave) => wave.state !== 'PASSED');
  for (const [wave, tally] of tallies.entries())
    if (current !== -1 && wave > current) expect(tally.devices - tally.waiting - tally.withdrawn).toBe(0);
  if (ENDED_ROLLOUTS.has(state) || state === 'ROLLING_BACK') expect(tallies.every(hasEnded)).toBe(true);
}

/** One step, and what it may not have done. */
function happen(world: World, event: Happening): void {
  const before = world.members.map(({ state }) => state);
  const running = world.course.state === 'RUNNING';
  switch (event.kind) {
    case 'answer':
      return world.answer(event.at, event.outcome);
    case 'clock':
      world.now += event.ms;
      return;
    case 'overtake':
      world.overtaken = true;
      return;
    case 'order':
      try {
        return world.order(event.action);
      } catch (error) {
        expect(error).toBeInstanceOf(WaferError);
        expect((error as WaferError).code).toBe('rollout.transition');
        return;
      }
    case 'look': {
      const wave = world.course.waves.findIndex(({ state }) => state !== 'PASSED');
      const gateOf = world.spec.waves[wave]?.gate;
      const wasTripped =
        gateOf !== undefined &&
        whyTripped(gateOf, tallyOf(world.members, wave), world.course.waves[wave]?.forgiven) !== undefined;
      for (const decision of world.look()) world.carryOut(decision);
      const started = world.members.filter(
        ({ state }, at) => state === 'IN_PROGRESS' && before[at] !== 'IN_PROGRESS',
      );
      if (!running || wasTripped) expect(started).toEqual([]);
      for (const { zone } of started) expect(isOpen(world.spec, zone, world.now)).toBe(true);
      const { deadline } = world.spec;
      if (deadline !== undefined && world.now >= Date.parse(deadline)) expect(started).toEqual([]);
    }
  }
}

test('nothing passes a tripped gate, in-flight limits and windows hold, counts add up, stopped rollouts start nobody', () => {
  fc.assert(
    fc.property(schedule, ({ waves, inFlight, hours: given, events }) => {
      const world = new World(
        specOf(waves, inFlight, given),
        waves.map(({ size }) => size),
      );
      world.order('start');
      for (const event of events) {
        happen(world, event);
        expectSound(world);
      }
    }),
    { numRuns: 1000 },
  );
});

test('every schedule comes to an end: with answers and approvals, each device’s part ends and so does the rollout', () => {
  fc.assert(
    fc.property(schedule, ({ waves, inFlight, hours: given, events }) => {
      const world = new World(
        specOf(waves, inFlight, given),
        waves.map(({ size }) => size),
      );
      world.order('start');
      for (const event of events) if (event.kind !== 'overtake') happen(world, event);
      let looks = 0;
      while (!ENDED_ROLLOUTS.has(world.course.state)) {
        expect((looks += 1)).toBeLessThan(5000);
        for (const member of world.members) if (member.state === 'IN_PROGRESS') member.state = 'SUCCEEDED';
        world.now += given.windows.length + given.blackouts.length > 0 ? 600_000 : 60_000;
        for (const decision of world.look()) world.carryOut(decision);
        if (world.course.state === 'PAUSED') world.order('resume');
        if (world.course.waves.some(({ state }) => state === 'AWAITING_APPROVAL')) world.order('approve');
      }
      expect(world.tallies().every(hasEnded)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

const healthy = (sizes: readonly number[], more: object = {}, inFlight = 100): World => {
  const world = new World(
    specOf(
      sizes.map(() => ({ gate: more })),
      inFlight,
    ),
    sizes,
  );
  world.order('start');
  return world;
};
const step = (world: World): Decision[] => {
  const decisions = world.look();
  for (const decision of decisions) world.carryOut(decision);
  return decisions;
};

test('a rollout without trouble begins, opens its wave, starts it, passes it and completes', () => {
  const world = healthy([2]);
  const seen = [step(world), step(world), step(world)].flat();
  expect(seen).toEqual([
    { kind: 'rollout', event: 'begin' },
    { kind: 'wave', wave: 0, event: 'open' },
    { kind: 'start', wave: 0, count: 2, zones: null },
  ]);
  expect(step(world)).toEqual([]);
  world.answer(0, 'SUCCEEDED');
  world.answer(1, 'ALREADY_INSTALLED');
  expect([step(world), step(world), step(world)].flat()).toEqual([
    { kind: 'wave', wave: 0, event: 'ended' },
    { kind: 'wave', wave: 0, event: 'pass' },
    { kind: 'rollout', event: 'complete' },
  ]);
});

test('failed and silent devices hold no place in flight', () => {
  const world = healthy([10], { successPercent: 0 }, 2);
  for (let looks = 0; looks < 3; looks += 1) step(world);
  expect(step(world)).toEqual([]);
  world.answer(0, 'trap');
  world.answer(1, 'TIMED_OUT');
  expect(step(world)).toEqual([{ kind: 'start', wave: 0, count: 2, zones: null }]);
});

test('a start time is waited for', () => {
  const world = new World({ ...specOf([{ gate: {} }], 1), startAt: '2026-11-21T10:00:00.000Z' }, [1]);
  world.order('start');
  expect(step(world)).toEqual([]);
  world.now += 3_600_000;
  expect(step(world)).toEqual([{ kind: 'rollout', event: 'begin' }]);
});

test('a person who resumes accepts the failures so far; one more trips the gate again', () => {
  const world = healthy([5], { successPercent: 0, errorCount: 1 });
  for (let looks = 0; looks < 3; looks += 1) step(world);
  world.answer(0, 'trap');
  expect(step(world)).toMatchObject([{ kind: 'trip', reason: '1 failed; 1 stop the rollout' }]);
  expect(world.course).toMatchObject({ state: 'PAUSED', reason: 'Wave 1: 1 failed; 1 stop the rollout.' });
  world.order('resume');
  expect(step(world)).toEqual([]);
  world.answer(1, 'trap');
  expect(step(world)).toMatchObject([{ kind: 'trip' }]);
});

test('devices are started where their windows are open, and the rest when theirs open', () => {
  const world = healthy([3], {});
  const night = { ...world.spec, windows: [{ cron: '0 20 * * *', minutes: 240 }] };
  const local = new World(night, [3]);
  local.order('start');
  // 09:00 in UTC is 22:00 in Auckland and 01:00 in Los Angeles.
  expect([step(local), step(local), step(local)].at(-1)).toEqual([
    { kind: 'start', wave: 0, count: 1, zones: ['Pacific/Auckland'] },
  ]);
  expect(step(local)).toEqual([]);
  local.now += 12 * 3_600_000;
  expect(step(local)).toEqual([{ kind: 'start', wave: 0, count: 1, zones: ['UTC'] }]);
});

test('at its deadline a rollout ends if somebody still waits, and goes on to its end if nobody does', () => {
  const deadline = '2026-11-21T10:00:00.000Z';
  const late = new World({ ...specOf([{ gate: {} }], 1), deadline }, [2]);
  late.order('start');
  for (let looks = 0; looks < 3; looks += 1) step(late);
  late.now = Date.parse(deadline);
  expect(step(late)).toEqual([{ kind: 'rollout', event: 'expired' }]);
  expect(late.course).toMatchObject({
    state: 'ABORTED',
    reason: 'Its deadline passed before every device was started.',
    waves: [{ state: 'CANCELED' }],
  });
  const done = new World({ ...specOf([{ gate: {} }], 2), deadline }, [2]);
  done.order('start');
  for (let looks = 0; looks < 3; looks += 1) step(done);
  done.now = Date.parse(deadline);
  expect(step(done)).toEqual([]);
  for (const at of [0, 1]) done.answer(at, 'SUCCEEDED');
  expect([step(done), step(done), step(done)].flat().at(-1)).toEqual({ kind: 'rollout', event: 'complete' });
});

const side = (more: object) => ({
  devices: 10,
  faultPercent: 0,
  latencyMs: 1,
  memoryBytes: 1_000_000,
  ...more,
});
test.each([
  [
    { memoryPercent: 50 },
    { memoryBytes: 1_600_000 },
    'memory of updated devices is 60 % above that of the others; at most 50 % may',
  ],
  [
    { latencyPercent: 100 },
    { latencyMs: 3 },
    'latency of updated devices is 200 % above that of the others; at most 100 % may',
  ],
  [
    { faultPoints: 2 },
    { faultPercent: 4 },
    'updated devices fail 4.0 % of calls, the others 0.0 %; at most 2 points more may',
  ],
  [{ memoryPercent: 50 }, { memoryBytes: 1_400_000 }, undefined],
  [{ memoryPercent: 50 }, { memoryBytes: 9_000_000, devices: 2 }, undefined],
])('a soak that compares by %j with updated devices at %j says %j', (compare, updated, why) => {
  const rule = Comparison.parse(compare);
  expect(whyWorse(rule, { updated: side(updated), others: side({}) })).toBe(why);
});

test('a wave whose devices are worse off than the others trips while it soaks, and goes on when a person accepts it', () => {
  const world = healthy([2, 1], { soakMinutes: 10, compare: { memoryPercent: 50 } });
  for (let looks = 0; looks < 3; looks += 1) step(world);
  for (const at of [0, 1]) world.answer(at, 'SUCCEEDED');
  step(world);
  world.sides = { updated: side({ memoryBytes: 2_000_000 }), others: side({}) };
  expect(step(world)).toMatchObject([{ kind: 'trip', wave: 0, event: 'trip-pause' }]);
  world.order('resume');
  // It soaks anew.
  expect(step(world)).toMatchObject([{ kind: 'wave', event: 'ended' }]);
  world.now += 11 * 60_000;
  expect([step(world), step(world)].flat()).toMatchObject([
    { kind: 'wave', event: 'pass' },
    { kind: 'wave', wave: 1, event: 'open' },
  ]);
});

test('a wave in which nobody was updated is not watched', () => {
  const world = healthy([0, 1], { soakMinutes: 10 });
  expect([step(world), step(world), step(world), step(world), step(world)].flat()).toMatchObject([
    { kind: 'rollout', event: 'begin' },
    { kind: 'wave', wave: 0, event: 'open' },
    { kind: 'wave', wave: 0, event: 'ended' },
    { kind: 'wave', wave: 0, event: 'pass' },
    { kind: 'wave', wave: 1, event: 'open' },
  ]);
});
