/**
 * What an agent found when it tested its board: whether signatures, digests, transpiling, limits and
 * single instructions of WebAssembly answer what they must. A board that failed refuses every app with
 * an `incompatible` fault, stays connected, and says which test it was. Only a release of the agent itself
 * it takes as long as trust holds: no guest's code is in it, and it may be what mends the board.
 */
import { z } from 'zod';
import type { Fault } from './faults.ts';
import { Timestamp, type AppName } from './ids.ts';
import { AGENT_APP } from './release.ts';

/** In the order in which they run. */
export const SELF_TESTS = [
  'digest', // SHA-256 of known messages
  'signature', // Ed25519 and ECDSA P-256, genuine and forged
  'instructions', // of WebAssembly, as the baseline compiler makes them
  'instructions-optimised', // and as the optimising one does
  'vectors', // SIMD, by both
  'many-functions', // calls all over a large module
  'transpile', // a component through the child that makes it runnable, to its answer
  'memory-limit', // a guest that grows is stopped at its bound
  'deadline', // a guest that never returns is ended
] as const;
export const SelfTestName = z.enum(SELF_TESTS);
export type SelfTestName = z.infer<typeof SelfTestName>;

export const SelfTest = z.strictObject({
  passed: z.boolean(),
  at: Timestamp,
  tests: z
    .array(
      z.strictObject({
        /** One of SELF_TESTS, of the agent's version. */
        test: z.string().max(50),
        passed: z.boolean(),
        /** What deviated, or what it could not test. */
        detail: z.string().max(500).optional(),
      }),
    )
    .max(32),
});
export type SelfTest = z.infer<typeof SelfTest>;

/** How the subject of the fault begins by which such a board refuses an app; the tests' names follow. */
export const SELF_TEST_SUBJECT = 'self-test ';

/** What the agent's own releases rest on. */
const TRUST_TESTS: ReadonlySet<string> = new Set<SelfTestName>(['digest', 'signature']);

/** Those that failed and that the app rests on; of any app without one. */
const failedOf = ({ tests }: SelfTest, app: AppName | undefined): SelfTest['tests'] =>
  tests.filter(({ passed, test }) => !passed && (app !== AGENT_APP || TRUST_TESTS.has(test)));

/** `self-test instructions, vectors`; undefined while the board may run the app, or any if none is named. */
export function selfTestSubject(selfTest: SelfTest | null | undefined, app?: AppName): string | undefined {
  if (selfTest == null || selfTest.passed) return undefined;
  const failed = failedOf(selfTest, app);
  if (failed.length === 0) return undefined;
  return `${SELF_TEST_SUBJECT}${failed.map(({ test }) => test).join(', ')}`;
}

/** Why the board refuses the app, or any if none is named; undefined while it does not. */
export function selfTestFault(selfTest: SelfTest | null | undefined, app?: AppName): Fault | undefined {
  const subject = selfTestSubject(selfTest, app);
  if (selfTest == null || subject === undefined) return undefined;
  const what = failedOf(selfTest, app).map(({ test, detail }) =>
    detail === undefined ? test : `${test} (${detail})`,
  );
  const message = `This board failed the agent's self-test, so it runs no app: ${what.join('; ')}`;
  return { kind: 'incompatible', message: message.slice(0, 2000), subject: subject.slice(0, 300) };
}
