/** docs/rollouts.md says what there is. */
import { ERRORS, ROLLOUT_ACTIONS, VERDICTS } from '@wafer/protocol';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXIT_CODES } from '../src/exit.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/rollouts.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const first = rows.map(([cell]) => cell);

it('has every exit code with what it means', () => {
  for (const { code, means } of Object.values(EXIT_CODES)) expect(rows).toContainEqual([`${code}`, means]);
});

it('has every verdict of a dry run and every error of rollouts', () => {
  const errors = Object.keys(ERRORS).filter((code) => code.startsWith('rollout.'));
  expect(first).toEqual(expect.arrayContaining([...VERDICTS, ...errors].map((word) => `\`${word}\``)));
});

it('names every order', () => {
  for (const action of ROLLOUT_ACTIONS) expect(first).toContain(`\`${action}\``);
});
