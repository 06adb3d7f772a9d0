/**
 * The throwaway child of inspect.ts: reads a component from stdin, prints its WIT. A component that
 * makes wasm-tools panic, loop or grow ends this process and nothing else.
 */
import { buffer } from 'node:stream/consumers';
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';

try {
  process.stdout.write(await componentWit(await buffer(process.stdin)));
} catch (error) {
  process.stderr.write(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
