import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXECUTION_STATES, ROLLOUT_STATES, WAVE_STATES } from '@wafer/protocol';
import { describe, expect, it } from 'vitest';
import { DIAGRAMS, withDiagrams } from '../diagrams/mermaid.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/rollouts.md'), 'utf8');

describe('the diagrams of rollouts', () => {
  it('are in the docs as the tables are; `npm run docs:diagrams` puts them there', () => {
    expect(page).toBe(withDiagrams(page));
  });

  it.each([
    ['rollout', ROLLOUT_STATES],
    ['wave', WAVE_STATES],
    ['execution', EXECUTION_STATES],
  ])('of a %s show every state, and a way to each', (name, states) => {
    for (const state of states) expect(DIAGRAMS[name]).toMatch(new RegExp(`(--> |^    )${state}(:|$)`, 'm'));
  });

  it('say what leads from one state to another', () => {
    expect(DIAGRAMS['rollout']).toContain('RUNNING --> PAUSED: pause, trip-pause');
    expect(DIAGRAMS['wave']).toContain('TRIPPED --> RUNNING: resume');
    expect(DIAGRAMS['execution']).toMatch(/TIMED_OUT --> ended[^]*ended --> \[\*\]/);
  });

  it('have their places in the page, or nothing is written', () => {
    expect(() => withDiagrams('# A page')).toThrow(/no place for the diagram "rollout"/);
  });
});
