/**
 * The agent's process, from its sources: the commands of a board, and those that `wafer dev` and `wafer
 * simulate` start. The first import ends it with one line when Node is too old; everything else may need
 * what an older Node lacks, so it is loaded only then.
 */
import '@wafer/protocol/require-node';

const [{ main }, { WORKSHOP }] = await Promise.all([import('./cli.ts'), import('./workshop.ts')]);
await main(process.argv.slice(2), WORKSHOP);
