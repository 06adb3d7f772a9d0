/**
 * What a run of the hardware tests found: the same journeys, with the same components, on every rig. A
 * rig is a process on the machine that runs them, an emulated root file system, or a real board. Whoever
 * shows a run shows no times of emulated rigs: they say that it works, never how fast it is.
 */
import { z } from 'zod';
import { Digest, Timestamp } from './ids.ts';

export const RIG_KINDS = ['process', 'emulated', 'board'] as const;
export const RigKind = z.enum(RIG_KINDS);
export type RigKind = z.infer<typeof RigKind>;

export const JOURNEY_OUTCOMES = ['passed', 'failed', 'skipped'] as const;
export const JourneyOutcome = z.enum(JOURNEY_OUTCOMES);
export type JourneyOutcome = z.infer<typeof JourneyOutcome>;

export const JourneyResult = z.strictObject({
  journey: z.string().min(1).max(100),
  outcome: JourneyOutcome,
  /** Why it failed or was skipped; what it found, where that is worth saying. */
  detail: z.string().max(2000).optional(),
  /** Of no worth as performance on an emulated rig. */
  ms: z.number().min(0).optional(),
});
export type JourneyResult = z.infer<typeof JourneyResult>;

export const RigResult = z.strictObject({
  /** `local`, `arm64`, `riscv64`, or the name of a board. */
  rig: z.string().min(1).max(100),
  kind: RigKind,
  /** As Node names it. Of a rig that was skipped: what it would have been, or `unknown`. */
  arch: z.string().max(20),
  os: z.string().max(200),
  node: z.string().max(50),
  status: z.enum(['ran', 'skipped']),
  /** Why it was skipped; what its packages are, where it was built. */
  why: z.string().max(2000).optional(),
  /** Of a rig that was skipped, every journey is skipped. */
  journeys: z.array(JourneyResult).max(100),
});
export type RigResult = z.infer<typeof RigResult>;

export const HardwareRun = z.strictObject({
  at: Timestamp,
  /** Version of the agent. */
  agent: z.string().max(50),
  rigs: z.array(RigResult).max(50),
  /** Of the components that every rig ran, byte for byte. */
  digests: z.array(Digest).max(100),
  /** Whether whatever the rigs answered was the same, byte for byte. */
  identical: z.boolean(),
});
export type HardwareRun = z.infer<typeof HardwareRun>;
