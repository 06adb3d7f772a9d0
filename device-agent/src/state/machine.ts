/**
 * What decides: sense → plan → act, for every app of the board.
 *
 *   orders   signed documents → verdicts          journal  what survives the power
 *   sample   what is                              plan     the next step of each app, purely
 *   steps    the vocabulary                       apply    carries steps out (bring, keep)
 *   runner   one step at a time for each app      watch    probes and faults of what serves
 *
 * Invariants: whatever instant the power goes, the next boot runs the old release or the new one and
 * knows which; a release that fails its probe or its soak is replaced by the one before without
 * help; an execution that ended badly is never tried again.
 */
import { performance } from 'node:perf_hooks';
import type { DeviceId, Digest, Fault, Policy } from '@wafer/protocol';
import type { Trust } from '../trust/updater.ts';
import { apply } from './apply.ts';
import type { Board } from './board.ts';
import { Orders } from './orders.ts';
import { plan } from './plan.ts';
import { Runner } from './runner.ts';
import { sample, wantedDigests } from './sample.ts';
import { Watch } from './watch.ts';

export interface MachineOptions {
  readonly board: Board;
  readonly device: DeviceId;
  readonly policy: Policy;
  readonly trust: Trust;
  /** A fault of no app: the orders or the metadata do not verify. */
  readonly reportFault: (fault: Fault) => void;
  /** Called before each plan; what the device runs may have changed. */
  readonly onChange: () => void;
  readonly onDiskError: (error: unknown) => void;
}

export interface Machine {
  /** Since the last plan was made, ms. */
  readonly sincePlanMs: () => number;
  readonly orders: Orders;
  readonly runner: Runner;
  readonly watch: Watch;
}

export function createMachine(options: MachineOptions): Machine {
  const { board, device, policy, trust, reportFault } = options;
  const { journal, floors, clock, log, refusalOf } = board;
  const prune = pruner(board, options.onDiskError);
  let plannedAt = performance.now();
  const runner = new Runner({
    plan: async () => {
      const wanted = wantedDigests(board, orders.verdicts);
      const actual = await sample(board, policy, wanted);
      options.onChange();
      await prune(wanted);
      plannedAt = performance.now();
      return plan(orders.verdicts, actual, clock.now());
    },
    apply: (step, signal) => apply(board, step, signal),
    onDefect: (error, step) =>
      log('error', 'defect', { step: step?.step, app: step?.app, error: (error as Error).stack }),
  });
  const wake = () => runner.wake();
  const orders = new Orders({
    device,
    policy,
    trust,
    floors,
    journal,
    clock,
    log,
    refusalOf,
    reportFault,
    wake,
  });
  const sincePlanMs = () => performance.now() - plannedAt;
  return { sincePlanMs, orders, runner, watch: new Watch(board, wake) };
}

/** Looks at the folder only when what must stay has changed. */
function pruner({ store }: Board, onDiskError: (error: unknown) => void) {
  let kept = '';
  return async (wanted: ReadonlySet<Digest>): Promise<void> => {
    const key = [...wanted].toSorted().join();
    if (key !== kept) await store.prune(wanted).catch(onDiskError);
    kept = key;
  };
}
