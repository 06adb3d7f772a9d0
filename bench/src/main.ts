/**
 * `npm run -s bench -- <name>`: runs one benchmark and prints its table and, last, its line of JSON.
 * Exit code 0 when every goal was met, 1 when one was not, 2 when the name is not known.
 */
import { report, type Result } from './report.ts';
import { start } from './start.ts';
import { swap } from './swap.ts';

const BENCHES: Readonly<Record<string, () => Promise<Result>>> = { start, swap };

const name = process.argv[2] ?? '';
const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
if (bench === undefined) {
  process.stderr.write(`usage: npm run -s bench -- ${Object.keys(BENCHES).join('|')}\n`);
  process.exitCode = 2;
} else {
  const isMet = report(await bench(), (line) => void process.stdout.write(`${line}\n`));
  process.exitCode = isMet ? 0 : 1;
}
