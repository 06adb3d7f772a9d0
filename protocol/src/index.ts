/**
 * The contract between publisher, server, device and dashboard: everything that two of them must
 * agree on stands here once, as schemas and pure functions, and depends on nothing but itself.
 */
export * from './admission.ts';
export * from './api.ts';
export * from './audit.ts';
export * from './boards.ts';
export * from './board-grants.ts';
export * from './board-names.ts';
export * from './clock.ts';
export * from './desired.ts';
export * from './errors.ts';
export * from './faults.ts';
export * from './frame.ts';
export * from './grant-names.ts';
export * from './grants.ts';
export * from './groups.ts';
export * from './hardware.ts';
export * from './ids.ts';
export * from './messages.ts';
export * from './pins.ts';
export * from './policy.ts';
export * from './query/parse.ts';
export * from './query/print.ts';
export * from './query/query.ts';
export * from './release.ts';
export * from './rollout-states.ts';
export * from './rollout-views.ts';
export * from './rollouts.ts';
export * from './secrets.ts';
export * from './self-test.ts';
export * from './signed.ts';
export * from './states.ts';
export * from './time.ts';
export * from './topics.ts';
export * from './units.ts';
export * from './version.ts';
export * from './wit.ts';
