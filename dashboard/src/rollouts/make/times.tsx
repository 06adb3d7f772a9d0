/** When devices may be started: not before, not after, in which hours, on which days not. */
import { ActionIcon, Autocomplete, Button, TextInput } from '@mantine/core';
import { useMemo } from 'react';
import { Icon } from '../../elements/icons.tsx';
import type { RolloutDraft, WindowDraft } from './draft.ts';
import { AmountField, PlaceError, usePlace } from './fields.tsx';
import classes from './make.module.css';

interface Props {
  readonly draft: RolloutDraft;
  readonly onDraft: (change: Partial<RolloutDraft>) => void;
}

const Remove = ({ label, onClick }: { label: string; onClick: () => void }) => (
  <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={onClick}>
    <Icon name="remove" size={13} />
  </ActionIcon>
);

const Add = ({ label, onClick }: { label: string; onClick: () => void }) => (
  <Button variant="subtle" size="compact-xs" leftSection={<Icon name="add" size={12} />} onClick={onClick}>
    {label}
  </Button>
);

interface WindowProps {
  readonly window: WindowDraft;
  readonly index: number;
  readonly zones: readonly string[];
  readonly onWindow: (change: Partial<WindowDraft>) => void;
  readonly onRemove: () => void;
}

function WindowRow({ window, index, zones, onWindow, onRemove }: WindowProps) {
  const path = `windows/${index}`;
  return (
    <div className={classes['windowRow']}>
      <TextInput
        size="xs"
        aria-label={`Opens, window ${index + 1}`}
        placeholder="cron: 0 2 * * *"
        value={window.cron}
        error={usePlace(`${path}/cron`)}
        onChange={({ currentTarget }) => onWindow({ cron: currentTarget.value })}
      />
      <AmountField
        label={`Open for, window ${index + 1}`}
        hideLabel
        path={`${path}/minutes`}
        unit="min"
        value={window.minutes}
        onChange={(minutes) => onWindow({ minutes })}
      />
      <Autocomplete
        size="xs"
        aria-label={`Time zone, window ${index + 1}`}
        placeholder="each device’s own"
        data={[...zones]}
        limit={30}
        value={window.timeZone}
        error={usePlace(`${path}/timeZone`)}
        onChange={(timeZone) => onWindow({ timeZone })}
      />
      <Remove label={`Remove window ${index + 1}`} onClick={onRemove} />
    </div>
  );
}

function Windows({ draft: { windows }, onDraft }: Props) {
  const zones = useMemo(() => Intl.supportedValuesOf('timeZone'), []);
  return (
    <fieldset className={classes['set']}>
      <legend>Windows in which devices are started; none: at any hour</legend>
      {windows.map((window, index) => (
        <WindowRow
          key={index}
          window={window}
          index={index}
          zones={zones}
          onWindow={(change) => onDraft({ windows: windows.with(index, { ...window, ...change }) })}
          onRemove={() => onDraft({ windows: windows.toSpliced(index, 1) })}
        />
      ))}
      <Add
        label="A window"
        onClick={() => onDraft({ windows: [...windows, { cron: '0 2 * * *', minutes: 180, timeZone: '' }] })}
      />
    </fieldset>
  );
}

function Blackouts({ draft: { blackouts }, onDraft }: Props) {
  return (
    <fieldset className={classes['set']}>
      <legend>Days on which nothing is started</legend>
      {blackouts.map(({ from, to }, index) => (
        <div key={index}>
          <div className={classes['daysRow']}>
            <TextInput
              size="xs"
              type="date"
              aria-label={`First day ${index + 1}`}
              value={from}
              onChange={({ currentTarget: { value } }) =>
                onDraft({ blackouts: blackouts.with(index, { from: value, to: to < value ? value : to }) })
              }
            />
            <TextInput
              size="xs"
              type="date"
              aria-label={`Last day ${index + 1}`}
              value={to}
              onChange={({ currentTarget: { value } }) =>
                onDraft({ blackouts: blackouts.with(index, { from, to: value }) })
              }
            />
            <Remove
              label={`Remove days ${index + 1}`}
              onClick={() => onDraft({ blackouts: blackouts.toSpliced(index, 1) })}
            />
          </div>
          {['', '/from', '/to'].map((part) => (
            <PlaceError key={part} path={`blackouts/${index}${part}`} />
          ))}
        </div>
      ))}
      <Add
        label="Days"
        onClick={() => {
          const today = new Date().toISOString().slice(0, 10);
          onDraft({ blackouts: [...blackouts, { from: today, to: today }] });
        }}
      />
    </fieldset>
  );
}

export function Times({ draft, onDraft }: Props) {
  return (
    <div className={classes['fields']}>
      <div className={classes['instants']}>
        <TextInput
          size="xs"
          type="datetime-local"
          label="Not before"
          value={draft.startAt}
          error={usePlace('startAt')}
          onChange={({ currentTarget }) => onDraft({ startAt: currentTarget.value })}
        />
        <TextInput
          size="xs"
          type="datetime-local"
          label="Deadline"
          value={draft.deadline}
          error={usePlace('deadline')}
          onChange={({ currentTarget }) => onDraft({ deadline: currentTarget.value })}
        />
      </div>
      <Windows draft={draft} onDraft={onDraft} />
      <Blackouts draft={draft} onDraft={onDraft} />
    </div>
  );
}
