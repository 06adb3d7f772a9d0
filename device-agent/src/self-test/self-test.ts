/**
 * The agent's self-test: is what everything here rests on true on this board? Signatures and digests, single
 * instructions of WebAssembly by both compilers of the engine, and one small guest on its whole way, to
 * the limit of its memory and past its deadline.
 *
 * Parties: the agent, which starts guests only after it; a child process (child.ts), which runs the tests,
 * as a broken engine ends its process rather than answer wrongly; the server, which hears of it in `hello`.
 *
 * Invariants: it runs before the first guest on a board, and again when the agent, Node, one of Node's parts
 * or the processor is another; what passed is kept on disk with what it was made for, so that later starts only
 * read a file; a failure is never kept for good, each start tries again. A board that failed refuses every
 * app but its own agent, and stays connected. Where the test itself cannot be carried out, it has failed.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { arch, cpus } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isoNow, Minutes, SELF_TESTS, SelfTest, type Clock, type Milliseconds } from '@wafer/protocol';
import { z } from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { makeExpendable } from '../memory/expendable.ts';
import { programUrl } from '../programs.ts';
import { readSlots, SlotFile } from '../state/slots.ts';
import type { Outcome } from './tests.ts';

/** What the outcome is about. */
const Ground = z.record(z.string(), z.string());
const Kept = z.strictObject({ ground: Ground, result: SelfTest }).nullable();
type Kept = z.infer<typeof Kept>;

const pathIn = (folder: string): string => join(folder, 'self-test');

/** Agent, engine and processor, each by the name that it has for itself. */
export function groundHere(): z.infer<typeof Ground> {
  const { node, v8, openssl } = process.versions;
  return { agent: packageJson.version, node, v8, openssl, arch: arch(), processor: cpus()[0]?.model ?? '' };
}

export interface SelfTestOptions {
  /** The agent's. */
  readonly folder: string;
  readonly clock: Clock;
  readonly ground?: z.infer<typeof Ground>;
  /** The child's program. */
  readonly program?: string;
  /** Longest that the child may take. */
  readonly timeLimit?: Milliseconds;
}

/** The last outcome that is on disk, whatever it was about; undefined before the first. */
export const readSelfTest = async (folder: string): Promise<SelfTest | undefined> =>
  (await readSlots<Kept>(pathIn(folder), Kept))?.result;

const isSame = (a: z.infer<typeof Ground>, b: z.infer<typeof Ground>): boolean =>
  Object.keys({ ...a, ...b }).every((key) => a[key] === b[key]);

/** How the board does: by what is kept, if it passed as it is now; else by testing it. Never rejects. */
export async function selfTest(options: SelfTestOptions): Promise<SelfTest> {
  const { folder, clock, ground = groundHere() } = options;
  try {
    const slots = await SlotFile.open<Kept>(pathIn(folder), Kept, null);
    const kept = slots.value;
    if (kept?.result.passed === true && isSame(kept.ground, ground)) return kept.result;
    const result = resultOf(await runChild(options), clock);
    await slots.write({ ground, result });
    return result;
  } catch (error) {
    return resultOf(
      [{ test: SELF_TESTS[0], passed: false, detail: `it could not be run: ${String(error)}` }],
      clock,
    );
  }
}

const resultOf = (tests: Outcome[], clock: Clock): SelfTest => ({
  passed: tests.every(({ passed }) => passed),
  at: isoNow(clock),
  tests,
});

const Line = z.union([z.strictObject({ began: z.string() }), SelfTest.shape.tests.element]);

/** Rejects when there is no place to write. */
async function runChild({ folder, program, timeLimit = Minutes(5) }: SelfTestOptions): Promise<Outcome[]> {
  const own = join(folder, `self-test-${randomUUID()}`);
  await mkdir(own, { recursive: true, mode: 0o700 });
  try {
    return await outcomes(program ?? fileURLToPath(programUrl('selfTest')), own, timeLimit);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** One for each test: those that the child did not come to have failed with it. */
async function outcomes(program: string, folder: string, timeLimit: Milliseconds): Promise<Outcome[]> {
  const child = spawn(process.execPath, [program, folder], { env: {}, stdio: ['ignore', 'pipe', 'ignore'] });
  makeExpendable(child);
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`could not be started: ${error.message}`));
    child.on('close', (code, signal) => resolve(`ended by ${signal ?? `exit code ${code}`}`));
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeLimit);
  let begun: string | undefined;
  const said = new Map<string, Outcome>();
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = parsed(text);
    if (line === undefined) return;
    if ('began' in line) begun = line.began;
    else said.set(line.test, line);
  });
  const how = await ended;
  clearTimeout(timer);
  const missing = (test: string): Outcome => ({
    test,
    passed: false,
    detail: test === begun ? `the process that ran it ${how}` : `not reached: the process that tests ${how}`,
  });
  return SELF_TESTS.map((test) => said.get(test) ?? missing(test));
}

function parsed(text: string): z.infer<typeof Line> | undefined {
  try {
    return Line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
