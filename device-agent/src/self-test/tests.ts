/** The tests by their names, in their order; what each of them rests on can be given, to see it fail. */
import { join } from 'node:path';
import { SELF_TESTS, type SelfTest, type SelfTestName } from '@wafer/protocol';
import { isBaselineOnly } from '../engine.ts';
import { reason } from '../log.ts';
import { hasSimd, wrongFunction, wrongInstruction, wrongVector } from './execute.ts';
import { GUEST_ANSWERS, TestedGuest, type GuestAnswers } from './guest.ts';
import { INSTRUCTIONS, type Case } from './instructions.ts';
import {
  DIGESTS,
  SIGNATURES,
  wrongDigest,
  wrongSignature,
  type KnownDigest,
  type KnownSignature,
} from './known.ts';
import { SIMD, type Program } from './programs.ts';

/** Known answers. */
export interface Known {
  readonly digests: readonly KnownDigest[];
  readonly signatures: readonly KnownSignature[];
  readonly instructions: readonly Case[];
  readonly vectors: readonly Program[];
  readonly guest: GuestAnswers;
}

export const KNOWN: Known = {
  digests: DIGESTS,
  signatures: SIGNATURES,
  instructions: INSTRUCTIONS,
  vectors: SIMD,
  guest: GUEST_ANSWERS,
};

export type Outcome = SelfTest['tests'][number];

/** What is wrong, as a sentence. */
type Test = () => string | undefined | Promise<string | undefined>;

const MAX_DETAIL = 500;
const NOT_OPTIMISED = 'guests are not optimised on this architecture';
const NO_SIMD = 'this engine has no SIMD: components that use it are refused';

function testsOf(guest: TestedGuest, known: Known): Readonly<Record<SelfTestName, Test>> {
  return {
    digest: () => wrongDigest(known.digests),
    signature: () => wrongSignature(known.signatures),
    instructions: () => wrongInstruction('baseline', known.instructions),
    'instructions-optimised': () =>
      isBaselineOnly() ? undefined : wrongInstruction('optimised', known.instructions),
    vectors: () =>
      hasSimd()
        ? (wrongVector('baseline', known.vectors) ?? wrongVector('optimised', known.vectors))
        : undefined,
    'many-functions': () => wrongFunction(),
    transpile: () => guest.wrongStart(),
    'memory-limit': () => guest.wrongLimit(),
    deadline: () => guest.wrongDeadline(),
  };
}

/** What was not tried, as this board does not use it. */
function remark(test: SelfTestName): string | undefined {
  if (test === 'vectors' && !hasSimd()) return NO_SIMD;
  return test === 'instructions-optimised' && isBaselineOnly() ? NOT_OPTIMISED : undefined;
}

async function outcomeOf(test: SelfTestName, run: Test): Promise<Outcome> {
  try {
    const wrong = await run();
    const detail = wrong ?? remark(test);
    return {
      test,
      passed: wrong === undefined,
      ...(detail === undefined ? {} : { detail: detail.slice(0, MAX_DETAIL) }),
    };
  } catch (error) {
    return { test, passed: false, detail: reason(error).slice(0, MAX_DETAIL) };
  }
}

export interface Listener {
  readonly began: (test: SelfTestName) => void;
  readonly ended: (outcome: Outcome) => void;
}

/** Runs all of them, one after the other, with a folder for what they write. Never rejects. */
export async function runTests(
  folder: string,
  { began, ended }: Listener,
  known: Known = KNOWN,
): Promise<void> {
  const guest = new TestedGuest(join(folder, 'prepared'), known.guest);
  const tests = testsOf(guest, known);
  for (const test of SELF_TESTS) {
    began(test);
    ended(await outcomeOf(test, tests[test]));
  }
  await guest.close();
}
