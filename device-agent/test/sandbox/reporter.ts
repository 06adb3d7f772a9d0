/**
 * One line for each case: its name and, of an attack, what stopped it. A case that was skipped, that a filter left
 * out, or that ended without asserting anything is none that was withstood. The sandbox's are held against
 * the table in docs/sandbox.md, so that it names neither more nor fewer.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

declare module 'vitest' {
  interface TaskMeta {
    /** What stopped the attack, as `attack` of stage.ts was told. */
    stoppedBy?: string;
  }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** What is wrong, indented; the stack only as far as it is in our own files. */
function detail({ message, stacks }: { message: string; stacks?: readonly object[] }): string {
  const [at] = (stacks ?? []) as { file: string; line: number }[];
  const place = at === undefined ? '' : `\nat ${at.file}:${at.line}`;
  return `${message}${place}`.replace(/^/gm, '      ');
}

/** The first cells of the table of attacks. */
function documented(): Set<string> {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/sandbox.md'), 'utf8');
  const [, table = ''] = text.split('\n## The attacks\n');
  const cells = [...table.matchAll(/^\| (.+?) +\|/gm)].map(([, cell]) => cell!);
  return new Set(cells.filter((cell) => cell !== 'Attack' && !cell.startsWith('-')));
}

const testFiles = (): string[] =>
  readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'));

export class AttackReporter implements Reporter {
  #passed = 0;
  #failed = 0;
  readonly #names = new Set<string>();
  readonly #isListed: boolean;

  /** `isListed`: docs/sandbox.md has a line for each of the attacks. */
  constructor({ isListed }: { isListed: boolean }) {
    this.#isListed = isListed;
  }

  onTestCaseResult(test: TestCase): void {
    this.#names.add(test.fullName);
    const result = test.result();
    const { stoppedBy } = test.meta();
    if (result.state === 'passed') {
      this.#passed += 1;
      say(`ok  ${test.fullName}${stoppedBy === undefined ? '' : ` — ${stoppedBy}`}`);
      return;
    }
    this.#failed += 1;
    say(`FAILED  ${test.fullName}${result.state === 'skipped' ? ' — it was not run' : ''}`);
    for (const error of result.errors ?? []) say(detail(error));
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly { message: string }[]): void {
    for (const module of modules) {
      const isEmpty = [...module.children.allTests()].length === 0;
      if (!isEmpty && module.state() !== 'failed') continue;
      const errors = module.errors();
      if (!isEmpty && errors.length === 0) continue;
      this.#failed += 1;
      say(`FAILED  ${module.relativeModuleId} — ${isEmpty ? 'it holds no case' : 'it could not be run'}`);
      for (const error of errors) say(detail(error));
    }
    this.#failed += unhandled.length;
    for (const error of unhandled) say(`FAILED  outside of any case\n${detail(error)}`);
    if (this.#isListed) this.#compare(modules.length === testFiles().length);
    const [passed, failed] = [this.#passed, this.#failed];
    if (failed > 0 || passed === 0) process.exitCode = 1;
    process.on('exit', () => say(`\n${passed} passed, ${failed} failed`));
  }

  /** `isWhole`: every file was run, so every attack that is documented should have been. */
  #compare(isWhole: boolean): void {
    const listed = documented();
    const unlisted = [...this.#names].filter((name) => !listed.has(name));
    const gone = isWhole ? [...listed].filter((name) => !this.#names.has(name)) : [];
    for (const name of unlisted) say(`FAILED  docs/sandbox.md does not list: ${name}`);
    for (const name of gone) say(`FAILED  docs/sandbox.md lists what is no attack: ${name}`);
    this.#failed += unlisted.length + gone.length;
  }
}
