/**
 * The process that tests the board: the folder to write in is its only argument, and each line on its
 * standard output is a test that begins or an outcome. It sets the engine's flags, loads transpiler and
 * app host, and may end by a signal where the engine is broken: none of that happens to the agent.
 */
import { chooseCompiler } from '../engine.ts';
import { runTests } from './tests.ts';

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

// What is tested is how guests will run.
chooseCompiler();
// What the engine compiles in the background does not keep a process from ending.
const awake = setInterval(() => undefined, 60_000);
// Built, this is CommonJS, which has no await here; runTests never rejects.
void runTests(process.argv[2]!, {
  began: (test) => say({ began: test }),
  ended: (outcome) => say(outcome),
}).finally(() => clearInterval(awake));
