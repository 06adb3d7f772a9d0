/** The self-test of the board, as it went when the agent last began one. */
import type { SelfTest } from '@wafer/protocol';
import { readSelfTest } from '../self-test/self-test.ts';
import type { Check, Finding } from './doctor.ts';

export const tested: Check = async ({ folder }) => testedFinding(await readSelfTest(folder));

export function testedFinding(test: SelfTest | undefined): Finding {
  if (test === undefined) {
    return { verdict: 'ok', detail: 'not run yet: it is at the first start of an agent on a board' };
  }
  const failed = test.tests.filter(({ passed }) => !passed);
  if (failed.length === 0) return { verdict: 'ok', detail: `passed at ${test.at}` };
  const names = failed.map((one) => (one.detail === undefined ? one.test : `${one.test} (${one.detail})`));
  return {
    verdict: 'fail',
    detail: `failed: ${names.join(', ')}`,
    advice: 'this board runs no app: try another Node of this processor, and report it with these words',
  };
}
