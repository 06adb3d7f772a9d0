import { expect, test } from 'vitest';
import { currentStage, enterStage, newStages } from './stages.ts';

test('the stage that was entered last goes on', () => {
  const stages = newStages();
  for (const stage of ['loading', 'creation', 'call'] as const) {
    enterStage(stages, stage);
    expect(currentStage(stages).stage).toBe(stage);
  }
});

test('a stage that is entered again leaves those after it behind', () => {
  const stages = newStages();
  enterStage(stages, 'call');
  enterStage(stages, 'loading');
  expect(currentStage(stages).stage).toBe('loading');
});
