#!/usr/bin/env node
/** The process: hands arguments, environment and streams to the program, and its exit code back. */
import { systemClock } from '@wafer/protocol';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './program.ts';
import { askHidden } from './secrets/hidden.ts';

// A reader that went away (`wafer devices | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  clock: systemClock,
  sleep: (ms) => sleep(ms),
  stdout: process.stdout,
  stderr: process.stderr,
  readStdin: () => text(process.stdin),
  readStdinBytes: () => buffer(process.stdin),
  askHidden: process.stdin.isTTY
    ? (question) => askHidden(process.stdin, process.stderr, question)
    : undefined,
});
