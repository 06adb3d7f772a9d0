import { AppName, Digest, type FaultError, HealthRule, Limits, Version } from '@wafer/protocol';
import { describe, expect, it } from 'vitest';
import { Job } from './job.ts';
import { Outgoing } from './outgoing.ts';
import type { CallOutcome, Image } from './port.ts';
import type { Seat, Tenant } from './seat.ts';

const SPEC = {
  app: AppName.parse('job'),
  version: Version.parse('1.0.0'),
  digest: Digest.parse('a'.repeat(64)),
  world: 'command' as const,
  exports: [],
  grants: {},
  config: {},
  secrets: {},
  limits: Limits.parse({}),
  isolation: 'shared' as const,
  triggers: { everyMs: 100 },
  health: HealthRule.parse({}),
};

/** A job in a seat where each run ends at once, as `outcome` says. */
function newJob() {
  const told: string[] = [];
  const world = { now: 0, runs: 0, outcome: { status: 'returned' } as CallOutcome };
  const seat = {
    move: (tenant: Tenant) => {
      world.runs += 1;
      tenant.next(world.now);
      const outcome = { status: 'created' as const, exports: ['run' as const], first: world.outcome };
      tenant.ended({ type: 'done', outcome, memoryBytes: 65_536, busyMs: 1 });
    },
    leave: () => undefined,
  } as unknown as Seat;
  const events = {
    fault: ({ fault }: FaultError) => void told.push(fault.kind),
    repeated: () => void told.push('repeated'),
    refused: () => undefined,
    notice: () => undefined,
    worked: () => undefined,
    allowance: () => new Outgoing().allowance(SPEC.limits, world.now),
  };
  const job = new Job(SPEC, {} as Image, seat, events, {
    now: () => world.now,
    openLines: () => ({ stores: undefined, http: undefined, board: undefined }),
    openSecrets: () => ({}),
  });
  const tick = (): Promise<string> =>
    new Promise((resolve) =>
      job.enqueue({ call: { name: 'tick' }, isControl: false, done: ({ status }) => resolve(status) }),
    );
  return { job, world, told, tick };
}

describe('a job that fails again and again', () => {
  it('rests ever longer, passes over the ticks of that time, and is one crash loop', async () => {
    const { job, world, told, tick } = newJob();
    await job.start();
    world.outcome = { status: 'exit', code: 3 };
    for (let time = 0; time < 3; time += 1) expect(await tick()).toBe('fault');
    expect(told).toEqual(['probe-failed', 'probe-failed', 'crash-loop']);
    expect(job).toMatchObject({ state: 'failed', crashLoop: { failures: 3, nextTryInMs: 1000 } });

    world.now = 999;
    expect(await tick()).toBe('returned');
    expect(world.runs).toBe(4);
    world.now = 1000;
    await tick();
    expect(world.runs).toBe(5);
    expect(told.at(-1)).toBe('repeated');
    expect(job.crashLoop).toEqual({ failures: 4, nextTryInMs: 2000 });
  });

  it('is well again after one run that succeeds', async () => {
    const { job, world, told, tick } = newJob();
    world.outcome = { status: 'exit', code: 1 };
    for (let time = 0; time < 4; time += 1) {
      await tick();
      world.now += 60_000;
    }
    world.outcome = { status: 'exit', code: 0 };
    expect(await tick()).toBe('returned');
    expect(job).toMatchObject({ state: 'stopped', crashLoop: undefined });
    world.outcome = { status: 'exit', code: 1 };
    await tick();
    expect(told.at(-1)).toBe('probe-failed');
  });
});
