/**
 * The throwaway child of inspect.ts: reads a component from stdin, prints its WIT; or with `agent` an agent's
 * bundle, and prints its manifest. What makes a parser panic, loop or grow ends this process and nothing else.
 */
import { buffer } from 'node:stream/consumers';
import { readAgentBundle } from '@wafer/protocol/agent-bundle';
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';

try {
  const bytes = await buffer(process.stdin);
  const isAgent = process.argv[2] === 'agent';
  process.stdout.write(isAgent ? JSON.stringify(readAgentBundle(bytes).manifest) : await componentWit(bytes));
} catch (error) {
  process.stderr.write(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
