/** The waves one below the other, in the order in which they go: state, numbers, gate, and why one tripped. */
import { Collapse, UnstyledButton } from '@mantine/core';
import type { RolloutView, WaveView } from '@wafer/protocol/rollout-views';
import { useState } from 'react';
import { Icon } from '../../elements/icons.tsx';
import { Section } from '../../elements/section.tsx';
import { Status } from '../../elements/status.tsx';
import { Until, When } from '../../elements/when.tsx';
import { counted } from '../../format/quantity.ts';
import { gateLines } from '../gate-words.ts';
import { WAVE_LOOK } from '../looks.ts';
import { causesOf, currentWave, partSegments } from '../progress.ts';
import { Legend, StackedBar } from '../stacked-bar.tsx';
import { Comparison } from './comparison.tsx';
import classes from './one.module.css';

const MINUTE_MS = 60_000;

/** Since when it is so; for one that is watched, how long still. */
function Time({ wave: { state, since, gate } }: { wave: WaveView }) {
  if (since === null) return null;
  const ends = Date.parse(since) + gate.soakMinutes * MINUTE_MS;
  if (state === 'SOAKING' && gate.soakMinutes > 0)
    return (
      <span data-testid="soak-left">
        watched for another <Until at={ends} />
      </span>
    );
  return <When at={since} />;
}

function Causes({ wave }: { wave: Pick<WaveView, 'counts'> }) {
  const causes = causesOf([wave]);
  if (causes.length === 0) return null;
  return (
    <p className={classes['causes']}>
      Failed by{' '}
      {causes.map(([cause, count], index) => (
        <span key={cause}>
          {index > 0 && ', '}
          <code>{cause}</code> ({count})
        </span>
      ))}
    </p>
  );
}

function GateWords({ wave, isOpen }: { wave: WaveView; isOpen: boolean }) {
  const [isShown, setShown] = useState(isOpen);
  return (
    <div>
      <UnstyledButton className={classes['fold']} aria-expanded={isShown} onClick={() => setShown(!isShown)}>
        <Icon name="next" size={11} className={classes['chevron']} />
        Gate
      </UnstyledButton>
      <Collapse expanded={isShown}>
        <ul className={classes['gate']}>
          {gateLines(wave.gate).map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      </Collapse>
    </div>
  );
}

interface WaveProps {
  readonly wave: WaveView;
  readonly number: number;
  /** Health is compared for the wave that counts now. */
  readonly sides: RolloutView['comparison'];
  readonly isCurrent: boolean;
}

function Wave({ wave, number, sides, isCurrent }: WaveProps) {
  const segments = partSegments(wave.counts);
  const look = WAVE_LOOK[wave.state];
  return (
    <li className={classes['wave']} data-state={wave.state} data-current={isCurrent} data-testid="wave">
      <span className={classes['rail']} data-tone={look.tone} aria-hidden>
        {number}
      </span>
      <div className={classes['waveBody']}>
        <div className={classes['waveHead']}>
          <h3>{wave.name}</h3>
          <Status look={look} />
          <span className={classes['sub']}>
            <Time wave={wave} />
          </span>
          <span className={classes['size']}>{counted(wave.counts.devices, 'device')}</span>
        </div>
        {wave.reason !== null && (
          <p
            className={classes['why']}
            data-tone={wave.state === 'TRIPPED' ? 'bad' : 'warn'}
            data-testid="wave-reason"
          >
            {wave.reason}
          </p>
        )}
        <StackedBar segments={segments} />
        <Legend segments={segments} />
        <Causes wave={wave} />
        {isCurrent && sides !== null && wave.gate.compare !== undefined && (
          <Comparison sides={sides} limits={wave.gate.compare} />
        )}
        <GateWords wave={wave} isOpen={isCurrent} />
      </div>
    </li>
  );
}

export function Waves({ view }: { view: RolloutView }) {
  const current = currentWave(view);
  return (
    <Section title="Waves" flush>
      <ol className={classes['pipeline']}>
        {view.waves.map((wave, index) => (
          <Wave
            key={index}
            wave={wave}
            number={index + 1}
            sides={view.comparison}
            isCurrent={index === current}
          />
        ))}
      </ol>
    </Section>
  );
}
