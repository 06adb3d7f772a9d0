/** How many at a time, how long silence is waited for, and who is left out. */
import { Autocomplete, MultiSelect, TagsInput, TextInput } from '@mantine/core';
import type { DeviceSummary } from '@wafer/protocol/api';
import { Skippable, Timeouts } from '@wafer/protocol/rollouts';
import { useMemo } from 'react';
import { VERDICT_LOOK } from '../looks.ts';
import type { AmongDraft, RolloutDraft } from './draft.ts';
import { AmountField, PlaceError, usePlace } from './fields.tsx';
import classes from './make.module.css';

interface Props {
  readonly draft: RolloutDraft;
  readonly onDraft: (change: Partial<RolloutDraft>) => void;
}

const STAGES = Object.keys(Timeouts.shape) as (keyof Timeouts)[];
const SKIPS = Skippable.options.map((verdict) => ({ value: verdict, label: VERDICT_LOOK[verdict].word }));

export function Limits({ draft, onDraft }: Props) {
  const { timeouts } = draft;
  return (
    <div className={classes['fields']}>
      <div className={classes['grid']}>
        <AmountField
          label="Under way at a time"
          path="inFlight"
          otherwise={100}
          unit="devices"
          value={draft.inFlight}
          onChange={(inFlight) => onDraft({ inFlight })}
        />
      </div>
      <fieldset className={classes['set']}>
        <legend>Silence after which a device has failed, by stage</legend>
        <div className={classes['grid']}>
          {STAGES.map((stage) => (
            <AmountField
              key={stage}
              label={stage}
              path={`timeouts/${stage}`}
              otherwise={15}
              unit="min"
              value={timeouts[stage]}
              onChange={(minutes) => onDraft({ timeouts: { ...timeouts, [stage]: minutes } })}
            />
          ))}
        </div>
      </fieldset>
    </div>
  );
}

/** What the devices that are known here have, to choose from. */
function useHints(devices: readonly DeviceSummary[]) {
  return useMemo(() => {
    const groups = new Set(devices.flatMap(({ group }) => (group === null ? [] : [group])));
    const tags = new Set(
      devices.flatMap((device) => Object.entries(device.tags).map(([key, value]) => `${key}=${value}`)),
    );
    const names = devices.map(({ id, name }) => ({ value: id as string, label: name }));
    return { groups: [...groups].toSorted(), tags: [...tags].toSorted(), names };
  }, [devices]);
}

export function Whom({ draft, onDraft, devices }: Props & { devices: readonly DeviceSummary[] }) {
  const { among } = draft;
  const hints = useHints(devices);
  const set = (change: Partial<AmongDraft>) => onDraft({ among: { ...among, ...change } });
  return (
    <div className={classes['fields']}>
      <Autocomplete
        size="xs"
        label="Only of the group"
        placeholder="any"
        data={hints.groups}
        value={among.group}
        error={usePlace('among/group')}
        onChange={(group) => set({ group })}
      />
      <TagsInput
        size="xs"
        label="Only with the tags"
        description="key=value; all of them"
        data={hints.tags}
        value={[...among.tags]}
        error={usePlace('among/tags')}
        onChange={(tags) => set({ tags })}
      />
      <MultiSelect
        size="xs"
        label="Only these devices"
        placeholder={among.devices.length === 0 ? 'any' : ''}
        data={hints.names}
        value={[...among.devices]}
        searchable
        clearable
        limit={50}
        error={usePlace('among/devices')}
        onChange={(ids) => set({ devices: ids })}
      />
      <PlaceError path="among" />
      <p className={classes['note']}>
        A rollout for some leaves the channel as it is, so new devices do not get the releases.
      </p>
      <MultiSelect
        size="xs"
        label="Leave out devices that are"
        placeholder={draft.skip.length === 0 ? 'nobody is left out' : ''}
        data={SKIPS}
        value={[...draft.skip]}
        error={usePlace('skip')}
        onChange={(skip) => onDraft({ skip })}
      />
      <TextInput
        size="xs"
        label="Seed"
        description="Another seed gives every device another place in the order"
        maxLength={100}
        value={draft.seed}
        error={usePlace('seed')}
        onChange={({ currentTarget }) => onDraft({ seed: currentTarget.value })}
      />
    </div>
  );
}
