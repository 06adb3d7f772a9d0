/**
 * `npm run test:hardware`: the same journeys, with the same components, on every rig that can be had. On
 * standard error it says what it does; on standard output a table (architecture × journey), or with
 * `--json` one object. It ends with an exit code other than 0 if a journey failed anywhere, if two rigs
 * answered differently, or if a rig that was asked for by name cannot be had.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isoNow, systemClock, type HardwareRun } from '@wafer/protocol';
import { differences } from './compare.ts';
import { journeysNamed } from './journeys/index.ts';
import { publishRun } from './publish.ts';
import { rigsFor } from './rigs/index.ts';
import { packAgent, type AgentPackage } from './rigs/package.ts';
import type { Rig } from './rigs/rig.ts';
import { closeAll, runRig, type RigRun } from './run.ts';
import { sum, table, tallies } from './table.ts';

const { values } = parseArgs({
  options: {
    /** May be repeated; without it all that are known. */
    rig: { type: 'string', multiple: true },
    /** May be repeated; without it all of them. The first, which enrols, is always taken. */
    journey: { type: 'string', multiple: true },
    /** Another file than boards.yaml. */
    boards: { type: 'string' },
    /** A package that was made before. */
    package: { type: 'string' },
    json: { type: 'boolean', default: false },
    /** Where the whole result goes, as JSON. */
    out: { type: 'string' },
    publish: { type: 'boolean', default: false },
  },
});

const startedAt = performance.now();
const tell = (text: string): void => {
  process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
};

/** One after the other, as their times are shown; then those that are emulated together, which have none. */
async function runAll(rigs: readonly Rig[], agent: AgentPackage): Promise<RigRun[]> {
  const journeys = journeysNamed(values.journey);
  const runs = new Map<Rig, RigRun>();
  const take = async (rig: Rig): Promise<unknown> => runs.set(rig, await runRig(rig, agent, tell, journeys));
  for (const rig of rigs) if (rig.kind !== 'emulated') await take(rig);
  await Promise.all(rigs.filter(({ kind }) => kind === 'emulated').map(take));
  return rigs.map((rig) => runs.get(rig)!);
}

function resultOf(runs: readonly RigRun[], agent: AgentPackage): HardwareRun {
  const different = differences(runs.map(({ result, answers }) => ({ rig: result.rig, answers })));
  for (const line of different) tell(`NOT THE SAME: ${line}`);
  return {
    at: isoNow(systemClock),
    agent: agent.version,
    rigs: runs.map(({ result }) => result),
    digests: [...new Set(runs.flatMap(({ digests }) => [...digests]))].toSorted(),
    identical: different.length === 0,
  };
}

async function hardwareTests(): Promise<HardwareRun> {
  const rigs = rigsFor(values.rig, values.boards);
  const agent = await packAgent(values.package);
  try {
    return resultOf(await runAll(rigs, agent), agent);
  } finally {
    agent.remove();
  }
}

// Agents are groups of processes of their own, which no terminal ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void closeAll().finally(() => process.exit(130)));

const run = await hardwareTests();
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(run, null, 2)}\n`);
if (values.publish) await publishRun(run);
const { passed, failed, skipped } = sum(run.rigs);
const counts = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
const { digests, identical } = run;
process.stdout.write(
  values.json
    ? `${JSON.stringify({ rigs: tallies(run), digests, identical })}\n`
    : `\n${table(run)}\n${counts}\n`,
);
const isMissed = values.rig !== undefined && run.rigs.some(({ status }) => status === 'skipped');
process.exitCode = failed > 0 || !identical || isMissed ? 1 : 0;
