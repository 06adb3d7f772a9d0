/**
 * `npm run -s bench -- <name>`: runs one benchmark and prints its table and, last, its line of JSON.
 * Exit code 0 when every goal was met, 1 when one was not, 2 when the name is not known.
 */
import { parseArgs } from 'node:util';
import { boot } from './boot.ts';
import { call } from './call.ts';
import { exec } from './exec.ts';
import { report, type Result } from './report.ts';
import { agentMemory } from './agent-memory.ts';
import { diskWrites } from './disk-writes.ts';
import { density } from './density.ts';
import { groups } from './groups.ts';
import { planner } from './planner.ts';
import { rollout } from './rollout.ts';
import { start } from './start.ts';
import { swap } from './swap.ts';

/** Those that take long can be made shorter, to try them. */
interface Options {
  readonly minutes?: number;
  readonly devices?: number;
  readonly rounds?: number;
}

const BENCHES: Readonly<Record<string, (options: Options) => Promise<Result>>> = {
  'agent-memory': ({ minutes }) => agentMemory(minutes),
  boot: ({ rounds }) => boot(rounds),
  call,
  density,
  'disk-writes': ({ minutes }) => diskWrites(minutes),
  exec,
  groups,
  planner,
  rollout: ({ devices = 5000, rounds = 5 }) => rollout({ devices, rounds }),
  start,
  swap,
};

/** Whoever reads may have read enough (`| head`): that is their right, and no failure of the measurement. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const NUMBERS = ['minutes', 'devices', 'rounds'] as const;
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string' }, devices: { type: 'string' }, rounds: { type: 'string' } },
});
const [name = ''] = positionals;
const given = NUMBERS.flatMap((key) =>
  values[key] === undefined ? [] : [[key, Number(values[key])] as const],
);
const wrong = given.find(([, value]) => !(value >= 0));
const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
if (bench === undefined) {
  const problem = name === '' ? 'Which benchmark?' : `There is no benchmark named ${JSON.stringify(name)}.`;
  process.stderr.write(`${problem} There are: ${Object.keys(BENCHES).join(', ')}\n`);
  process.exitCode = 2;
} else if (wrong !== undefined) {
  process.stderr.write(`--${wrong[0]} takes a number\n`);
  process.exitCode = 2;
} else {
  const isMet = report(
    await bench(Object.fromEntries(given)),
    (line) => void process.stdout.write(`${line}\n`),
  );
  process.exitCode = isMet ? 0 : 1;
}
