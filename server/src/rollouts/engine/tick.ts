/** One look at every rollout that is not over: take over what ended, decide, carry out, until there is nothing to do. */
import type { RolloutId } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { SERVER_ACTOR } from '../../audit/index.ts';
import type { Deps } from '../../deps.ts';
import { afterDecision } from '../plan/advance.ts';
import { plan, type Decision } from '../plan/plan.ts';
import { wakeRunner } from '../index.ts';
import { alignApp } from '../assign.ts';
import { carryOut, type Effect } from './carry-out.ts';
import { observe, type RolloutRow } from './observe.ts';
import { settle } from './settle.ts';

/** A rollout takes at most so many steps at one look, so that none keeps the others waiting. */
const STEPS = 20;

type Parts = Pick<Deps, 'db' | 'clock' | 'live' | 'log'>;

/** What entering a state does to members. */
function effectOf(decision: Decision, { spec }: RolloutRow): Effect {
  switch (decision.kind) {
    case 'start':
      return decision;
    case 'wave':
      return { kind: 'none' };
    case 'trip':
      if (decision.event === 'trip-pause') return { kind: 'none' };
      return { kind: decision.event === 'trip-abort' ? 'abort' : 'rollback' };
    case 'rollout':
      switch (decision.event) {
        case 'begin':
          return { kind: 'none' };
        case 'complete':
          return { kind: 'complete', movesChannel: spec.among === undefined };
        case 'overtaken':
          return { kind: 'let-go' };
        case 'expired':
          return { kind: 'abort' };
        case 'returned':
          return { kind: 'returned' };
      }
  }
}

const actionOf = (decision: Decision): string => {
  switch (decision.kind) {
    case 'start':
      return 'rollout.devices-started';
    case 'wave':
      return `rollout.wave-${decision.event}`;
    case 'trip':
      return 'rollout.gate-tripped';
    case 'rollout':
      return `rollout.${decision.event}`;
  }
};

/** Answers how many devices' parts have ended. */
async function takeOver(deps: Parts, id: RolloutId): Promise<number> {
  const ended = await settle(deps, id);
  for (const device of ended) deps.live.publish({ type: 'device', device });
  return ended.length;
}

/** True when something was done, so that there may be more to do. */
async function step(deps: Parts, id: RolloutId): Promise<boolean> {
  const look = await observe(deps.db, id);
  if (look === undefined) return false;
  const { rollout, observed } = look;
  const [decision] = plan(rollout, observed, deps.clock.now());
  if (decision === undefined) return false;
  const course = afterDecision(rollout, decision, deps.clock.now());
  const effect = effectOf(decision, rollout);
  const done = await carryOut(deps, rollout, {
    actor: SERVER_ACTOR,
    action: actionOf(decision),
    course,
    effect,
  });
  if (!done) await takeOver(deps, id);
  if (done && effect.kind === 'complete') await tellChannel(deps, rollout);
  return true;
}

/** The channel has moved; whoever came to it meanwhile, or failed, follows now. */
async function tellChannel(deps: Parts, { channel, spec }: RolloutRow): Promise<void> {
  deps.live.publish({ type: 'channel', channel });
  for (const { app } of spec.targets) {
    deps.live.publish({ type: 'release', app });
    await alignApp(deps, app);
  }
}

async function attend(deps: Deps, id: RolloutId): Promise<void> {
  const ended = await takeOver(deps, id);
  let steps = 0;
  while (steps < STEPS && (await step(deps, id))) steps += 1;
  if (ended === 0 && steps === 0) return;
  deps.live.publish({ type: 'rollout', rollout: id });
  wakeRunner(deps);
}

/** Rejects only when the list of rollouts cannot be read; what stops one rollout stops no other. */
export async function tickOnce(deps: Deps): Promise<void> {
  const open = await deps.db.execute<{ id: RolloutId }>(sql`
    select id from rollouts r
    where state in ('AWAITING_APPROVAL', 'SCHEDULED', 'RUNNING', 'PAUSED', 'ROLLING_BACK')
      or state = 'ABORTED' and exists (
        select 1 from rollout_members m where m.rollout = r.id and m.state = 'IN_PROGRESS')
    order by number`);
  for (const { id } of open)
    await attend(deps, id).catch((err: unknown) =>
      deps.log.error({ err, rollout: id }, 'a rollout was left as it is until the next look'),
    );
}
