/** What the executors work with, and what they say. */
import {
  isoNow,
  type AppName,
  type Clock,
  type ExecutionState,
  type Fault,
  type ReportEvent,
  type Version,
} from '@wafer/protocol';
import type { Fetch } from '../apps/fetch.ts';
import type { AppSpec, Runtime } from '../apps/runtime.ts';
import type { Requests } from '../link/requests.ts';
import type { Log } from '../log.ts';
import type { Release } from './journal.ts';
import type { Sensed } from './sample.ts';
import type { StepName, StepOf } from './steps.ts';

export interface Board extends Sensed {
  readonly runtime: Runtime;
  /** Brings a component into the store. */
  readonly fetch: Fetch;
  readonly requests: Pick<Requests, 'ask'>;
  readonly clock: Clock;
  readonly log: Log;
  /** A report that may be lost with the power: stages, and faults outside an execution. */
  readonly report: (event: ReportEvent) => void;
  /** It happened `count` times, once unless said. */
  readonly reportFault: (app: AppName, version: Version, fault: Fault, count?: number) => void;
}

export type Executor<K extends StepName> = (
  board: Board,
  step: StepOf<K>,
  signal: AbortSignal,
) => Promise<void>;

export type Executors = { readonly [K in StepName]: Executor<K> };

type ExecutionEvent = Extract<ReportEvent, { kind: 'execution' }>;
type Details = Partial<Pick<ExecutionEvent, 'stage' | 'fault' | 'swap' | 'runningVersion'>>;

export function executionEvent(
  { clock }: Pick<Board, 'clock'>,
  order: Pick<Release['order'], 'app' | 'version' | 'execution'>,
  state: ExecutionState,
  details: Details = {},
): ExecutionEvent {
  const { app, version, execution } = order;
  return { kind: 'execution', at: isoNow(clock), execution, app, version, state, ...details };
}

export const appSpec = ({ order, custom }: Release): AppSpec => ({
  app: order.app,
  version: order.version,
  digest: order.target.sha256,
  world: custom.world,
  exports: custom.exports,
  grants: order.grants,
  config: order.config,
  secrets: order.secrets,
  limits: order.limits,
  isolation: order.isolation,
  triggers: order.triggers,
  health: order.health,
});

/** What an execution's event says about the release that serves meanwhile. */
export function running(board: Board, app: AppName): { runningVersion?: Release['order']['version'] } {
  const { current } = board.journal.record(app);
  if (current === null || board.senses.of(app).serving !== current.order.execution) return {};
  return { runningVersion: current.order.version };
}
