import { expect, test } from 'vitest';
import { current, enter, newStages } from './stages.ts';

test('the stage that was entered last goes on', () => {
  const stages = newStages();
  for (const stage of ['loading', 'creation', 'call'] as const) {
    enter(stages, stage);
    expect(current(stages).stage).toBe(stage);
  }
});

test('a stage that is entered again leaves those after it behind', () => {
  const stages = newStages();
  enter(stages, 'call');
  enter(stages, 'loading');
  expect(current(stages).stage).toBe('loading');
});
