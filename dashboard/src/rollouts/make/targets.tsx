/** Which releases go where. */
import { ActionIcon, Button, Select } from '@mantine/core';
import type { ChannelView, ReleaseView } from '@wafer/protocol/api';
import { Icon } from '../../elements/icons.tsx';
import { counted } from '../../format/quantity.ts';
import { byApp } from '../../releases/moves.ts';
import type { RolloutDraft, TargetDraft } from './draft.ts';
import { PlaceError, usePlace } from './fields.tsx';
import classes from './make.module.css';

export interface Known {
  readonly channels: readonly ChannelView[];
  readonly releases: readonly ReleaseView[];
}

/** The newest release of the app; empty where there is none. */
const newest = ({ releases }: Known, app: string): string =>
  byApp(releases).find(([name]) => name === app)?.[1][0]?.version ?? '';

const heldIn = ({ channels }: Known, channel: string, app: string): string | undefined =>
  channels.find(({ name }) => name === channel)?.apps.find((each) => each.app === app)?.version;

interface RowProps {
  readonly target: TargetDraft;
  readonly index: number;
  readonly draft: RolloutDraft;
  readonly known: Known;
  readonly onTarget: (next: TargetDraft) => void;
  readonly onRemove: (() => void) | undefined;
}

function TargetRow({ target, index, draft, known, onTarget, onRemove }: RowProps) {
  const apps = byApp(known.releases);
  const releases = apps.find(([app]) => app === target.app)?.[1] ?? [];
  const held = heldIn(known, draft.channel, target.app);
  const taken = new Set(draft.targets.map(({ app }) => app));
  return (
    <div className={classes['row']}>
      <Select
        size="xs"
        aria-label={`App ${index + 1}`}
        placeholder="App"
        data={apps.map(([app]) => app).filter((app) => app === target.app || !taken.has(app))}
        value={target.app === '' ? null : target.app}
        allowDeselect={false}
        error={usePlace(`targets/${index}/app`)}
        onChange={(app) => app !== null && onTarget({ app, version: newest(known, app) })}
      />
      <Select
        size="xs"
        aria-label={`Release ${index + 1}`}
        placeholder="Release"
        data={releases.map(({ version }) => ({
          value: version,
          label: version === held ? `${version} (held now)` : version,
        }))}
        value={target.version === '' ? null : target.version}
        allowDeselect={false}
        error={usePlace(`targets/${index}/version`)}
        onChange={(version) => version !== null && onTarget({ ...target, version })}
      />
      <span className={classes['held']}>
        {draft.channel !== '' && target.app !== '' && (held === undefined ? 'new there' : `now ${held}`)}
      </span>
      {onRemove && (
        <ActionIcon variant="subtle" color="gray" aria-label={`Remove ${target.app}`} onClick={onRemove}>
          <Icon name="remove" size={13} />
        </ActionIcon>
      )}
    </div>
  );
}

interface Props {
  readonly draft: RolloutDraft;
  readonly known: Known;
  readonly onDraft: (change: Partial<RolloutDraft>) => void;
}

export function Targets({ draft, known, onDraft }: Props) {
  const { targets } = draft;
  const channel = known.channels.find(({ name }) => name === draft.channel);
  const set = (next: readonly TargetDraft[]) => onDraft({ targets: next });
  return (
    <div className={classes['fields']}>
      <Select
        label="Channel"
        description={channel && `${counted(channel.devices, 'device')} subscribed`}
        placeholder="Choose a channel"
        data={known.channels.map(({ name }) => name)}
        value={draft.channel === '' ? null : draft.channel}
        allowDeselect={false}
        error={usePlace('channel')}
        onChange={(name) => name !== null && onDraft({ channel: name })}
      />
      <fieldset className={classes['set']}>
        <legend>Releases</legend>
        {targets.map((target, index) => (
          <TargetRow
            key={index}
            target={target}
            index={index}
            draft={draft}
            known={known}
            onTarget={(next) => set(targets.with(index, next))}
            onRemove={targets.length > 1 ? () => set(targets.toSpliced(index, 1)) : undefined}
          />
        ))}
        <PlaceError path="targets" />
        <Button
          variant="subtle"
          size="compact-xs"
          leftSection={<Icon name="add" size={12} />}
          disabled={targets.length >= byApp(known.releases).length}
          onClick={() => set([...targets, { app: '', version: '' }])}
        >
          Another app
        </Button>
      </fieldset>
    </div>
  );
}

/** The channel's first app that has a newer release, or else the first app that there is. */
export function likelyTarget(known: Known, channel: string, wish: Partial<TargetDraft>): TargetDraft {
  const app =
    wish.app ??
    byApp(known.releases).find(([name]) => {
      const held = heldIn(known, channel, name);
      return held !== undefined && held !== newest(known, name);
    })?.[0] ??
    byApp(known.releases)[0]?.[0] ??
    '';
  return { app, version: wish.version ?? newest(known, app) };
}
