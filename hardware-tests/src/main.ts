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
import { LocalBoard } from './rigs/local.ts';
import { packAgent } from './rigs/package.ts';
import type { Rig } from './rigs/rig.ts';
import { runRig, type RigRun } from './run.ts';
import { table, tallies, sum } from './table.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});

const startedAt = performance.now();
const tell = (text: string): void => {
  process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
};

const rigs = (): Rig[] => [new LocalBoard()];

const agent = packAgent();
const runs: RigRun[] = [];
try {
  for (const rig of rigs()) runs.push(await runRig(rig, agent, tell));
} finally {
  agent.remove();
}
const different = differences(runs.map(({ result, answers }) => ({ rig: result.rig, answers })));
for (const line of different) tell(`NOT THE SAME: ${line}`);
const run: HardwareRun = {
  at: isoNow(systemClock),
  agent: agent.version,
  rigs: runs.map(({ result }) => result),
  digests: [...new Set(runs.flatMap(({ digests }) => [...digests]))].toSorted(),
  identical: different.length === 0,
};
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(run, null, 2)}\n`);
const { passed, failed, skipped } = sum(run.rigs);
const counts = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
const { digests, identical } = run;
process.stdout.write(
  values.json
    ? `${JSON.stringify({ rigs: tallies(run), digests, identical })}\n`
    : `\n${table(run)}\n${counts}\n`,
);
process.exitCode = failed > 0 || !identical ? 1 : 0;
