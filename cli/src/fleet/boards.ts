/** Boards for people: the fleet by architecture, the newest run of the hardware tests, a board's self-test. Pure. */
import type { BoardsOfArch, HardwareRunView, RigResult, SelfTest } from '@wafer/protocol';
import { printable, table } from '../table.ts';

export function describeSelfTest(selfTest: SelfTest | null): string {
  if (selfTest === null) return 'nothing was said of it';
  const failed = selfTest.tests.filter(({ passed }) => !passed);
  if (failed.length === 0) return `passed at ${selfTest.at}`;
  const what = failed.map(({ test, detail }) => (detail === undefined ? test : `${test} (${detail})`));
  return printable(`failed, so it runs no app: ${what.join('; ')}`);
}

const fleetTable = (boards: readonly BoardsOfArch[]): string =>
  table(
    ['architecture', 'devices', 'online', 'passed', 'failed', 'unknown'],
    boards.map(({ arch, ...counts }) => [
      arch === '' ? 'not seen yet' : arch,
      ...[counts.devices, counts.online, counts.passed, counts.failed, counts.unknown].map(String),
    ]),
    'no devices yet: make a token with wafer claim create',
  );

function rigRow({ rig, kind, arch, status, why, journeys }: RigResult): string[] {
  const count = (outcome: string): string =>
    status === 'skipped' ? '–' : String(journeys.filter((journey) => journey.outcome === outcome).length);
  const remark = status === 'skipped' ? `skipped: ${why ?? 'no reason was given'}` : '';
  return [rig, kind, arch, count('passed'), count('failed'), count('skipped'), remark];
}

function describeRun(run: HardwareRunView): string {
  const head = `hardware tests at ${run.at} with agent ${run.agent}: answers ${run.identical ? 'identical' : 'NOT identical'}`;
  return `${head}\n${table(['rig', 'kind', 'arch', 'passed', 'failed', 'skipped', ''], run.rigs.map(rigRow), 'no rigs')}`;
}

export function describeBoards(boards: readonly BoardsOfArch[], run: HardwareRunView | undefined): string {
  const failing = boards.flatMap((of) =>
    of.failing.map(({ id, name, tests }) => printable(`${id} ${name} failed ${tests.join(', ')}`)),
  );
  const latest = run === undefined ? 'no run of the hardware tests was published' : describeRun(run);
  return [fleetTable(boards), ...(failing.length === 0 ? [] : [failing.join('\n')]), latest].join('\n\n');
}
