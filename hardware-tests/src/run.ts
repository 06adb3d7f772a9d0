/**
 * Takes one rig through all journeys. What a journey throws is its result; a board that could not be
 * enrolled fails all the others, a rig that cannot be had skips them all.
 */
import { performance } from 'node:perf_hooks';
import type { Digest, JourneyResult, RigResult } from '@wafer/protocol';
import { JOURNEYS } from './journeys/index.ts';
import { JourneySkipped, type Answers, type Journey } from './journeys/journey.ts';
import type { AgentPackage } from './rigs/package.ts';
import { RigMissing, type BoardFacts, type Rig, type Say } from './rigs/rig.ts';
import { Scene } from './scene.ts';

/** All of a rig's journeys; what takes longer hangs. */
const RIG_WITHIN_MS = 20 * 60_000;
const MAX_DETAIL = 2000;

export interface RigRun {
  readonly result: RigResult;
  /** Journey → what it answered. */
  readonly answers: ReadonlyMap<string, Answers>;
  readonly digests: ReadonlySet<Digest>;
}

const words = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).slice(0, MAX_DETAIL);

interface Walked {
  readonly outcome: JourneyResult;
  readonly answers?: Answers;
}

async function walk(journey: Journey, scene: Scene, withinMs: number): Promise<Walked> {
  const started = performance.now();
  const done = (outcome: JourneyResult['outcome'], detail?: string): JourneyResult => ({
    journey: journey.name,
    outcome,
    ...(detail === undefined ? {} : { detail }),
    ms: Math.round(performance.now() - started),
  });
  try {
    const going = journey.run(scene);
    const answers = await scene.timely(journey.name, going, withinMs);
    return { outcome: done('passed'), answers };
  } catch (error) {
    if (error instanceof JourneySkipped) return { outcome: done('skipped', error.message) };
    for (const line of scene.log.slice(-10)) scene.say(`  ${line}`);
    return { outcome: done('failed', words(error)) };
  }
}

/** A rig that is missing: every journey is skipped, by name. */
function missing(rig: Rig, why: string, all: readonly Journey[]): RigRun {
  const journeys = all.map(({ name }): JourneyResult => ({ journey: name, outcome: 'skipped' }));
  const { name, kind, arch } = rig;
  const result: RigResult = { rig: name, kind, arch, os: '', node: '', status: 'skipped', why, journeys };
  return { result, answers: new Map(), digests: new Set() };
}

async function takeThrough(scene: Scene, facts: BoardFacts, all: readonly Journey[]): Promise<RigRun> {
  const { rig, say } = scene;
  const answers = new Map<string, Answers>();
  const journeys: JourneyResult[] = [];
  const deadline = performance.now() + RIG_WITHIN_MS;
  for (const journey of all) {
    const isLost = journeys[0]?.outcome === 'failed';
    if (isLost) {
      journeys.push({ journey: journey.name, outcome: 'failed', detail: 'the board was not enrolled' });
      continue;
    }
    say(`${journey.name} …`);
    const walked = await walk(journey, scene, Math.max(0, deadline - performance.now()));
    const { outcome, detail, ms } = walked.outcome;
    journeys.push(walked.outcome);
    if (walked.answers !== undefined) answers.set(journey.name, walked.answers);
    const time = ms === undefined || rig.kind === 'emulated' ? '' : ` (${(ms / 1000).toFixed(1)} s)`;
    say(`${journey.name}: ${outcome}${time}${detail === undefined ? '' : `: ${detail}`}`);
  }
  const { name, kind } = rig;
  const { arch, os, node, packages } = facts;
  const why = packages === undefined ? {} : { why: packages };
  const result: RigResult = { rig: name, kind, arch, os, node, status: 'ran', ...why, journeys };
  return { result, answers, digests: scene.digests };
}

/** The first of the journeys is the one that enrols. */
export async function runRig(
  rig: Rig,
  agent: AgentPackage,
  tell: Say,
  journeys: readonly Journey[] = JOURNEYS,
): Promise<RigRun> {
  const say: Say = (text) => tell(`${rig.name}: ${text}`);
  const scene = new Scene(rig, say);
  const close = async (): Promise<void> => {
    await scene.close();
    await rig.close();
  };
  open.add(close);
  try {
    const facts = await rig.prepare(agent, say);
    say(`${facts.arch}, ${facts.os}, Node ${facts.node}`);
    await scene.open();
    return await takeThrough(scene, facts, journeys);
  } catch (error) {
    if (!(error instanceof RigMissing)) throw error;
    say(`SKIPPED: ${error.message}`);
    return missing(rig, error.message, journeys);
  } finally {
    open.delete(close);
    await close();
  }
}

/** What rigs and scenes that are at work now have started. */
const open = new Set<() => Promise<void>>();

/** Ends all that runs, where whoever runs it is told to leave. */
export async function closeAll(): Promise<void> {
  await Promise.allSettled([...open].map((close) => close()));
}
