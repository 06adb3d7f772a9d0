/** The waves as rows: who is in each, and its gate. */
import { ActionIcon, Button, Select, TextInput } from '@mantine/core';
import { Gate, type WaveOf } from '@wafer/protocol/rollouts';
import { Icon, type IconName } from '../../elements/icons.tsx';
import { gateLines } from '../gate-words.ts';
import { gateInput, moved, newWave, type RolloutDraft, type WaveDraft } from './draft.ts';
import { AmountField, Fold, PlaceError, usePlace } from './fields.tsx';
import { GateFields } from './gate.tsx';
import classes from './make.module.css';

const KINDS = {
  architecture: { label: 'of each architecture', amount: 5, path: 'each', unit: 'devices' },
  percent: { label: 'in total, waves before included', amount: 10, path: 'percent', unit: '%' },
  count: { label: 'by count', amount: 10, path: 'count', unit: 'devices' },
  group: { label: 'a group', amount: undefined, path: 'group', unit: '' },
  tag: { label: 'a tag', amount: undefined, path: 'key', unit: '' },
  hash: { label: 'places below (of 10,000)', amount: 100, path: 'below', unit: '' },
  rest: { label: 'all the rest', amount: undefined, path: '', unit: '' },
} as const satisfies Record<
  WaveOf['of'],
  { label: string; amount: number | undefined; path: string; unit: string }
>;

const CHOICES = (Object.keys(KINDS) as WaveOf['of'][]).map((of) => ({ value: of, label: KINDS[of].label }));

interface Props {
  readonly wave: WaveDraft;
  readonly index: number;
  readonly onWave: (next: WaveDraft) => void;
}

/** What the kind of wave needs beside itself. */
function WhoFields({ wave, index, onWave }: Props) {
  const path = `waves/${index}/devices`;
  const wrongWord = usePlace(`${path}/${KINDS[wave.of].path}`);
  const wrongValue = usePlace(`${path}/value`);
  const kind = KINDS[wave.of];
  if (wave.of === 'rest') return <span />;
  if (wave.of === 'group' || wave.of === 'tag')
    return (
      <span className={classes['words']}>
        <TextInput
          size="xs"
          aria-label={wave.of === 'group' ? `Group of wave ${index + 1}` : `Tag of wave ${index + 1}`}
          placeholder={wave.of === 'group' ? 'name' : 'tag'}
          value={wave.word}
          error={wrongWord}
          onChange={({ currentTarget }) => onWave({ ...wave, word: currentTarget.value })}
        />
        {wave.of === 'tag' && (
          <TextInput
            size="xs"
            aria-label={`Tag’s value of wave ${index + 1}`}
            placeholder="value"
            value={wave.value}
            error={wrongValue}
            onChange={({ currentTarget }) => onWave({ ...wave, value: currentTarget.value })}
          />
        )}
      </span>
    );
  return (
    <AmountField
      label={`Amount of wave ${index + 1}`}
      hideLabel
      path={`${path}/${kind.path}`}
      {...(kind.unit !== '' && { unit: kind.unit })}
      value={wave.amount}
      onChange={(amount) => onWave({ ...wave, amount })}
    />
  );
}

function GateSummary({ wave }: { wave: WaveDraft }) {
  const gate = Gate.safeParse(gateInput(wave.gate));
  return gate.success ? gateLines(gate.data).join(' · ') : 'does not fit yet';
}

interface Moves {
  readonly onUp: (() => void) | undefined;
  readonly onDown: (() => void) | undefined;
  readonly onRemove: (() => void) | undefined;
}

const Tool = ({
  icon,
  label,
  onClick,
}: {
  icon: IconName;
  label: string;
  onClick: (() => void) | undefined;
}) => (
  <ActionIcon
    variant="transparent"
    color="gray"
    size="sm"
    aria-label={label}
    disabled={onClick === undefined}
    onClick={onClick}
  >
    <Icon name={icon} size={13} />
  </ActionIcon>
);

function WaveRow({ wave, index, onWave, onUp, onDown, onRemove }: Props & Moves) {
  const choose = (of: string | null) => {
    const kind = CHOICES.find(({ value }) => value === of)?.value;
    if (kind !== undefined) onWave({ ...wave, of: kind, amount: KINDS[kind].amount });
  };
  return (
    <li className={classes['wave']} data-testid="wave-row">
      <div className={classes['waveRow']}>
        <span className={classes['number']}>{index + 1}</span>
        <WhoFields wave={wave} index={index} onWave={onWave} />
        <Select
          size="xs"
          aria-label={`Who is in wave ${index + 1}`}
          data={CHOICES}
          value={wave.of}
          allowDeselect={false}
          onChange={choose}
        />
        <span className={classes['moves']}>
          <Tool icon="up" label={`Move wave ${index + 1} up`} onClick={onUp} />
          <Tool icon="down" label={`Move wave ${index + 1} down`} onClick={onDown} />
          <Tool icon="remove" label={`Remove wave ${index + 1}`} onClick={onRemove} />
        </span>
      </div>
      <PlaceError path={`waves/${index}/devices`} />
      <Fold
        title="Gate"
        summary={<GateSummary wave={wave} />}
        paths={[`waves/${index}/gate`, `waves/${index}/name`]}
      >
        <GateFields wave={wave} path={`waves/${index}`} onWave={onWave} />
      </Fold>
    </li>
  );
}

interface WavesProps {
  readonly waves: RolloutDraft['waves'];
  readonly onWaves: (next: RolloutDraft['waves']) => void;
}

export function Waves({ waves, onWaves }: WavesProps) {
  const last = waves.length - 1;
  const add = () => {
    const key = Math.max(0, ...waves.map((wave) => wave.key)) + 1;
    // before the wave that takes the rest, if that is the last
    const at = waves.at(-1)?.of === 'rest' ? last : waves.length;
    onWaves(waves.toSpliced(at, 0, newWave(key)));
  };
  return (
    <>
      <ol className={classes['waves']}>
        {waves.map((wave, index) => (
          <WaveRow
            key={wave.key}
            wave={wave}
            index={index}
            onWave={(next) => onWaves(waves.with(index, next))}
            onUp={index > 0 ? () => onWaves(moved(waves, index, -1)) : undefined}
            onDown={index < last ? () => onWaves(moved(waves, index, 1)) : undefined}
            onRemove={waves.length > 1 ? () => onWaves(waves.toSpliced(index, 1)) : undefined}
          />
        ))}
      </ol>
      <PlaceError path="waves" />
      <Button variant="subtle" size="compact-xs" leftSection={<Icon name="add" size={12} />} onClick={add}>
        Another wave
      </Button>
    </>
  );
}
