/** Where the commands of a packaged agent begin: those that a board needs, and no others. */
import '@wafer/protocol/require-node';
import { main } from './cli.ts';

void main(process.argv.slice(2));
