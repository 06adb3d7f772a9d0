/** What the order would do, renewed as it is filled in. What is made is just what stands here. */
import type { RolloutPreview } from '@wafer/protocol/rollout-views';
import type { CreateRollout } from '@wafer/protocol/rollouts';
import { Section } from '../../elements/section.tsx';
import { bytes, counted, grouped } from '../../format/quantity.ts';
import { CapabilityDiff } from '../capability-diff.tsx';
import { minutesInWords } from '../gate-words.ts';
import { verdictSegments } from '../progress.ts';
import { ReleasesMoved } from '../releases-moved.tsx';
import { Legend, StackedBar } from '../stacked-bar.tsx';
import { VerdictList } from './verdict-list.tsx';
import classes from './make.module.css';

type PreviewWave = RolloutPreview['waves'][number];

/** No more exact than an estimate is. */
const about = (minutes: number): string => minutesInWords(Math.max(1, Math.round(minutes)));

const architecturesOf = ({ architectures }: PreviewWave): string =>
  Object.entries(architectures)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${name} ${grouped(count)}`)
    .join(' · ');

/** Its bar is as long as its share of all devices. */
function Wave({ wave, number, all }: { wave: PreviewWave; number: number; all: number }) {
  return (
    <li className={classes['shownWave']} data-testid="preview-wave">
      <div className={classes['shownHead']}>
        <b>
          {number}. {wave.name}
        </b>
        <span className={classes['sub']}>
          {wave.devices === 0 ? 'nobody is left for it' : architecturesOf(wave)}
        </span>
        <span className={classes['amount']}>{counted(wave.devices, 'device')}</span>
      </div>
      <StackedBar segments={verdictSegments(wave.verdicts)} of={all} />
      <span className={classes['sub']}>
        {bytes(wave.bytes)} · about {about(wave.minutes)}
      </span>
    </li>
  );
}

const Figure = ({ name, children }: { name: string; children: string }) => (
  <div className={classes['figure']}>
    <dt>{name}</dt>
    <dd className="numeric">{children}</dd>
  </div>
);

interface Props {
  readonly spec: CreateRollout;
  readonly preview: RolloutPreview;
  /** It is about an earlier state of the form. */
  readonly isOld: boolean;
}

export function Preview({ spec, preview, isOld }: Props) {
  const { targets } = preview;
  const asks = targets.some(({ gains }) => gains.length > 0);
  return (
    <div className={classes['preview']} data-old={isOld} data-testid="preview" aria-busy={isOld}>
      <Section title="What it would do" aside={<ReleasesMoved targets={targets} />}>
        <dl className={classes['figures']}>
          <Figure name="Devices">{grouped(preview.devices)}</Figure>
          <Figure name="To receive">{bytes(preview.bytes)}</Figure>
          <Figure name="Takes about">{about(preview.minutes)}</Figure>
        </dl>
        <ol className={classes['shownWaves']}>
          {preview.waves.map((wave, index) => (
            <Wave key={index} wave={wave} number={index + 1} all={preview.devices} />
          ))}
        </ol>
        <Legend segments={verdictSegments(preview.verdicts)} />
      </Section>
      <Section title="Capabilities">
        <CapabilityDiff targets={targets} />
        {asks && (
          <p className={classes['note']} data-tone="warn">
            Gains need the approval of another person before anything is started.
          </p>
        )}
      </Section>
      <Section title="Devices" flush>
        <VerdictList spec={spec} preview={preview} />
      </Section>
    </div>
  );
}
