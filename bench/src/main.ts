/**
 * `npm run -s bench -- <name>`: runs one benchmark and prints its table and, last, its line of JSON.
 * Exit code 0 when every goal was met, 1 when one was not, 2 when the name is not known.
 */
import { parseArgs } from 'node:util';
import { call } from './call.ts';
import { exec } from './exec.ts';
import { report, type Result } from './report.ts';
import { agentMemory } from './agent-memory.ts';
import { density } from './density.ts';
import { groups } from './groups.ts';
import { start } from './start.ts';
import { swap } from './swap.ts';

/** Those that take long can be made shorter, to try them. */
interface Options {
  readonly minutes?: number;
}

const BENCHES: Readonly<Record<string, (options: Options) => Promise<Result>>> = {
  'agent-memory': ({ minutes }) => agentMemory(minutes),
  call,
  density,
  exec,
  groups,
  start,
  swap,
};

/** Whoever reads may have read enough (`| head`): that is their right, and no failure of the measurement. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string' } },
});
const [name = ''] = positionals;
const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
if (bench === undefined) {
  const problem = name === '' ? 'Which benchmark?' : `There is no benchmark named ${JSON.stringify(name)}.`;
  process.stderr.write(`${problem} There are: ${Object.keys(BENCHES).join(', ')}\n`);
  process.exitCode = 2;
} else if (minutes !== undefined && !(minutes >= 0)) {
  process.stderr.write('--minutes takes a number\n');
  process.exitCode = 2;
} else {
  const isMet = report(
    await bench(minutes === undefined ? {} : { minutes }),
    (line) => void process.stdout.write(`${line}\n`),
  );
  process.exitCode = isMet ? 0 : 1;
}
