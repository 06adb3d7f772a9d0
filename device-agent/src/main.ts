/**
 * The agent's process: `enrol`, `run`, `status`. The first import ends it with one line when Node is
 * too old; everything else may need what an older Node lacks, so it is loaded only then.
 */
import '@wafer/protocol/require-node';

const { main } = await import('./cli.ts');
await main(process.argv.slice(2));
