/**
 * The state machine as agent.ts composes it, without the link: orders come as verdicts, time is the
 * test's, the server is a Repository in memory. `reboot` is a power cut: memory goes, disk stays.
 */
import { AppName, type Fault, type Policy, type ReportEvent } from '@wafer/protocol';
import { fetchBlob } from '../../src/apps/fetch.ts';
import { BlobStore } from '../../src/apps/store.ts';
import { silentLog } from '../../src/log.ts';
import { apply } from '../../src/state/apply.ts';
import type { Board } from '../../src/state/board.ts';
import { Journal } from '../../src/state/journal.ts';
import { plan, type Desired } from '../../src/state/plan.ts';
import { Runner } from '../../src/state/runner.ts';
import { sample, Senses, wantedDigests } from '../../src/state/sample.ts';
import { Watch } from '../../src/state/watch.ts';
import type { Verdict } from '../../src/trust/desired.ts';
import { Floors } from '../../src/trust/floors.ts';
import { temporaryFolder } from '../folder.ts';
import { Repository, type Published } from '../trust/repository.ts';
import { FakeRuntime } from './fake-runtime.ts';
import { orderFor } from './orders.ts';

export const THERMO = AppName.parse('thermo');

export const admitted = (published: Published, changes: Parameters<typeof orderFor>[1] = {}): Verdict => ({
  kind: 'admitted',
  order: orderFor(published, changes),
  custom: published.custom,
});

export class Machine {
  readonly events: ReportEvent[] = [];
  readonly faults: Fault[] = [];
  readonly defects: unknown[] = [];
  board!: Board;
  store!: BlobStore;
  runtime!: FakeRuntime;
  runner!: Runner;
  watch!: Watch;
  desired: Desired;
  policy: Policy = {};
  now = Date.UTC(2027, 0, 1);
  readonly #folder: string;
  readonly #repository: Repository;

  private constructor(folder: string, repository: Repository) {
    this.#folder = folder;
    this.#repository = repository;
  }

  static async start(folder: string, repository: Repository): Promise<Machine> {
    const machine = new Machine(folder, repository);
    await machine.reboot();
    return machine;
  }

  /** A power cut: everything in memory is gone; `desired` too, until `order`. */
  async reboot(runtime = new FakeRuntime()): Promise<void> {
    this.desired = undefined;
    this.runtime = runtime;
    const deliver = async (event: ReportEvent) => void this.events.push(event);
    const onDiskError = (error: unknown) => void this.defects.push(error);
    const journal = await Journal.open({ folder: this.#folder, deliver, onDiskError });
    await journal.deliverLeftovers();
    const store = await BlobStore.open(this.#folder);
    this.store = store;
    const board: Board = {
      journal,
      senses: new Senses(),
      store,
      fetch: (wanted, context) => fetchBlob(wanted, { store, ...context }),
      floors: await Floors.open(this.#folder),
      runtime,
      requests: this.#repository.requests,
      clock: { now: () => this.now },
      log: silentLog,
      report: (event) => this.events.push(event),
      reportFault: (_, __, fault) => this.faults.push(fault),
    };
    this.board = board;
    this.runner = new Runner({
      plan: async () => {
        const wanted = wantedDigests(board, this.desired);
        const actual = await sample(board, this.policy, wanted);
        await board.store.prune(wanted);
        return plan(this.desired, actual, this.now);
      },
      apply: (step, signal) => apply(board, step, signal),
      onDefect: (error) => this.defects.push(error),
    });
    this.watch = new Watch(board, () => this.runner.wake());
  }

  order(...verdicts: Verdict[]): void {
    this.desired = new Map(verdicts.map((verdict) => [verdict.order.app, verdict]));
  }

  /** Until there is nothing to do at this instant. */
  async run(): Promise<void> {
    this.runner.wake();
    await this.runner.idle();
  }

  async orderAndRun(...verdicts: Verdict[]): Promise<void> {
    this.order(...verdicts);
    await this.run();
  }

  /** Time passes, with a probe of whoever is due. */
  async pass(ms: number): Promise<void> {
    this.now += ms;
    this.watch.tick();
    await new Promise((resolve) => setImmediate(resolve));
    await this.run();
  }

  /** What was said of an execution, as `IN_PROGRESS/soaking` or `FAILED:trap`. */
  said(verdict: Verdict): string[] {
    return this.events.flatMap((event) => {
      if (event.kind !== 'execution' || event.execution !== verdict.order.execution) return [];
      const stage = event.stage === undefined ? '' : `/${event.stage}`;
      return `${event.state}${stage}${event.fault === undefined ? '' : `:${event.fault.kind}`}`;
    });
  }
}

export async function newMachine() {
  const repository = new Repository();
  const folder = await temporaryFolder();
  const one = repository.publish('thermo', '1.0.0');
  const two = repository.publish('thermo', '1.1.0');
  const three = repository.publish('thermo', '1.2.0');
  const machine = await Machine.start(folder, repository);
  return { repository, folder, machine, one, two, three };
}

/** With 1.0.0 installed and settled. */
export async function installed() {
  const fresh = await newMachine();
  const first = admitted(fresh.one);
  await fresh.machine.orderAndRun(first);
  await fresh.machine.pass(2000);
  return { ...fresh, first };
}
