/** Where the built agent begins (see launch.ts): `run` on the folder that is its only argument. */
import { tellFailure } from './failure.ts';
import { run } from './run.ts';

run(process.argv[2]!).catch(tellFailure);
