/** The waves of a rollout as a small bar: one field each, with the look of its state. */
import type { WaveView } from '@wafer/protocol/rollout-views';
import { WAVE_LOOK } from './looks.ts';
import classes from './rollouts.module.css';

export function WaveDots({ waves }: { waves: readonly WaveView[] }) {
  const current = waves.findIndex(({ state }) => state !== 'PASSED');
  const now = waves[current];
  const words =
    now === undefined
      ? `all ${waves.length} waves passed`
      : `wave ${current + 1} of ${waves.length}: ${WAVE_LOOK[now.state].word.toLowerCase()}`;
  return (
    <span className={classes['waves']}>
      <span className={classes['dots']} aria-hidden>
        {waves.map(({ name, state }, index) => (
          <i
            key={index}
            data-tone={WAVE_LOOK[state].tone}
            data-state={state}
            title={`${name}: ${WAVE_LOOK[state].word.toLowerCase()}`}
          />
        ))}
      </span>
      <span className={classes['sub']}>{words}</span>
    </span>
  );
}
