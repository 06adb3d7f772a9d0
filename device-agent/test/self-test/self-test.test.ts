import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Seconds, SELF_TESTS, systemClock, type SelfTest } from '@wafer/protocol';
import { describe, expect, it } from 'vitest';
import { DIGESTS } from '../../src/self-test/known.ts';
import { groundHere, readSelfTest, selfTest } from '../../src/self-test/self-test.ts';
import { KNOWN, runTests, type Known, type Outcome } from '../../src/self-test/tests.ts';
import { temporaryFolder } from '../folder.ts';

/** A child that says what it is told and ends as it is told. */
async function childThat(program: string): Promise<string> {
  const path = join(await temporaryFolder(), 'child.mjs');
  await writeFile(path, program);
  return path;
}

const all = (passed: boolean): string =>
  SELF_TESTS.map((test) => `console.log(JSON.stringify({ test: '${test}', passed: ${passed} }));`).join('\n');

const failures = ({ tests }: SelfTest): string[] =>
  tests.flatMap(({ test, passed, detail }) => (passed ? [] : [`${test}: ${detail}`]));

describe('the self-test of a board', () => {
  it('passes here, in every test, and leaves nothing behind but its outcome', async () => {
    const folder = await temporaryFolder();
    const result = await selfTest({ folder, clock: systemClock });
    expect(result).toMatchObject({ passed: true, tests: SELF_TESTS.map((test) => ({ test, passed: true })) });
    expect(await readdir(folder)).toEqual(['self-test.b']);
    expect(await readSelfTest(folder)).toEqual(result);
  });

  it('is not run again on the same ground, and is on another', async () => {
    const folder = await temporaryFolder();
    const ground = groundHere();
    const passes = await childThat(all(true));
    const first = await selfTest({ folder, clock: systemClock, program: passes, ground });
    const dies = await childThat('process.abort();');
    expect(await selfTest({ folder, clock: systemClock, program: dies, ground })).toEqual(first);
    const other = { ...ground, v8: '0.1' };
    expect((await selfTest({ folder, clock: systemClock, program: dies, ground: other })).passed).toBe(false);
  });

  it('is tried again after a failure', async () => {
    const folder = await temporaryFolder();
    const fails = await childThat(all(false));
    expect((await selfTest({ folder, clock: systemClock, program: fails })).passed).toBe(false);
    const passes = await childThat(all(true));
    expect((await selfTest({ folder, clock: systemClock, program: passes })).passed).toBe(true);
  });

  it('names the test in which the engine ended its process, and those it did not come to', async () => {
    const folder = await temporaryFolder();
    const program = await childThat(`
      console.log(JSON.stringify({ test: 'digest', passed: true }));
      console.log(JSON.stringify({ began: 'signature' }));
      process.kill(process.pid, 'SIGILL');
      setInterval(() => {}, 1000);`);
    const result = await selfTest({ folder, clock: systemClock, program });
    expect(failures(result).slice(0, 2)).toEqual([
      'signature: the process that ran it ended by SIGILL',
      'instructions: not reached: the process that tests ended by SIGILL',
    ]);
    expect(result.tests).toHaveLength(SELF_TESTS.length);
  });

  it('that never ends is ended, and has failed', async () => {
    const folder = await temporaryFolder();
    const program = await childThat('setInterval(() => {}, 1000);');
    const result = await selfTest({ folder, clock: systemClock, program, timeLimit: Seconds(0.3) });
    expect(failures(result)[0]).toBe('digest: not reached: the process that tests ended by SIGKILL');
  });
});

describe('a board that answers otherwise', () => {
  async function outcomesWith(changes: Partial<Known>): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    const listener = { began: () => undefined, ended: (outcome: Outcome) => void outcomes.push(outcome) };
    await runTests(await temporaryFolder(), listener, { ...KNOWN, ...changes });
    return outcomes.filter(({ passed }) => !passed);
  }

  it('fails the tests whose answers differ, says how, and goes on with the others', async () => {
    const [first, ...others] = KNOWN.instructions;
    const instructions = [{ ...first!, answer: 1n }, ...others];
    const [vector, ...vectors] = KNOWN.vectors;
    const failed = await outcomesWith({
      digests: [{ message: 'abc', digest: DIGESTS[0]!.digest }],
      instructions,
      vectors: [{ ...vector!, answer: 0n }, ...vectors],
      guest: { start: '00000000', pages: '00000011' },
    });
    const wrong = 'i32.add answered 0x80000000 instead of 0x1';
    expect(failed).toEqual([
      { test: 'digest', passed: false, detail: expect.stringContaining('SHA-256 of "abc" is ba78') },
      { test: 'instructions', passed: false, detail: wrong },
      { test: 'instructions-optimised', passed: false, detail: wrong },
      {
        test: 'vectors',
        passed: false,
        detail: 'i8x16.gt_u and bitmask, half 0 answered 0x61e6 instead of 0x0',
      },
      { test: 'transpile', passed: false, detail: 'it answered 29058c73 instead of 00000000' },
      {
        test: 'memory-limit',
        passed: false,
        detail: 'a guest with a limit of 16 pages answered 00000010 instead of 00000011',
      },
    ]);
  });
});
