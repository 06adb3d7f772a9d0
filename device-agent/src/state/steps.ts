/**
 * The agent's whole vocabulary: whatever it does to an app is one of these. `plan` names them,
 * `apply` carries them out by a table over the same names, so one that is missing does not compile.
 */
import type { AppName, DesiredApp, Fault } from '@wafer/protocol';
import type { Release } from './journal.ts';

/** Why a release is wanted: to bring it as ordered, or to keep what is installed running. */
type Purpose = 'bring' | 'keep';

interface Vocabulary {
  /** Refuse an order, once, with the reason. */
  reject: { readonly order: DesiredApp; readonly fault: Fault };
  /** Take over an order that asks for what runs already. */
  adopt: { readonly release: Release };
  /** Write down that this release is being brought; whatever was being brought before is canceled. */
  begin: { readonly release: Release };
  /** Give up what is being brought, because nobody orders it any more. */
  cancel: object;
  fetch: { readonly release: Release; readonly purpose: Purpose };
  prepare: { readonly release: Release; readonly purpose: Purpose };
  /** Start the candidate beside what runs, probe it, switch to it. */
  swap: { readonly release: Release };
  /** Start what is installed, after a boot or a crash. */
  start: { readonly release: Release };
  /** Stop it and start it again. */
  restart: { readonly release: Release };
  /** The soak is over: the release is kept. */
  settle: { readonly release: Release };
  /** A newer order ends the soak early. */
  supersede: { readonly release: Release };
  /** The release did not prove itself: go back to the one before. */
  rollback: { readonly release: Release; readonly fault: Fault };
  /** End an attempt that took the agent down again and again. */
  giveUp: { readonly release: Release; readonly fault: Fault };
  /** The board's memory runs out, and this is its largest guest: it goes, and comes back later. */
  relieve: { readonly release: Release; readonly fault: Fault };
  /** What runs may not run any more. */
  stop: { readonly release: Release; readonly fault: Fault };
  /** Nobody orders the app any more. */
  remove: object;
}

export type StepName = keyof Vocabulary;
export type StepOf<K extends StepName> = { readonly step: K; readonly app: AppName } & Vocabulary[K];
export type Step = { [K in StepName]: StepOf<K> }[StepName];

/** Steps that may be broken off when a newer order makes them pointless. */
export const ABORTABLE: ReadonlySet<StepName> = new Set<StepName>(['fetch', 'prepare']);

/** Two steps with the same key are the same work. */
export const stepKey = (step: Step): string =>
  `${step.step} ${'release' in step ? step.release.order.execution : ''}`;
