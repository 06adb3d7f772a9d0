/** A new rollout: the order on one side, what it would do on the other. */
import { Anchor, Breadcrumbs, Button, Group, Stack, TextInput, Title } from '@mantine/core';
import { useDebouncedValue, useDocumentTitle } from '@mantine/hooks';
import { useEffect, useMemo, useState } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import { RequestFailed } from '../../api/client.ts';
import { useChannels, useMayOperate, useReleases } from '../../api/queries.ts';
import { Icon } from '../../elements/icons.tsx';
import { Empty, Failure, Loading } from '../../elements/notice.tsx';
import { Section } from '../../elements/section.tsx';
import { counted } from '../../format/quantity.ts';
import { useKnownDevices } from '../known-devices.ts';
import { defaultName, firstDraft, parseDraft, type RolloutDraft } from './draft.ts';
import { Fold, PlacesContext, usePlace } from './fields.tsx';
import { Limits, Whom } from './limits.tsx';
import { placeInWords, placesOf, placesOfFailure, type Places } from './places.ts';
import { Preview } from './preview.tsx';
import { useCreateRollout, usePreview } from './queries.ts';
import { likelyTarget, Targets, type Known } from './targets.tsx';
import { Times } from './times.tsx';
import { Waves } from './waves.tsx';
import classes from './make.module.css';

const TYPING_MS = 350;

interface FormProps {
  readonly draft: RolloutDraft;
  readonly known: Known;
  readonly onDraft: (change: Partial<RolloutDraft>) => void;
}

function Name({ draft, onDraft }: Omit<FormProps, 'known'>) {
  return (
    <TextInput
      label="Name"
      placeholder={defaultName(draft)}
      maxLength={100}
      value={draft.name}
      error={usePlace('name')}
      onChange={({ currentTarget }) => onDraft({ name: currentTarget.value })}
    />
  );
}

function Form({ draft, known, onDraft }: FormProps) {
  const devices = useKnownDevices();
  return (
    <Stack gap="md" miw={0}>
      <Section title="What goes where">
        <Stack gap="sm">
          <Targets draft={draft} known={known} onDraft={onDraft} />
          <Name draft={draft} onDraft={onDraft} />
        </Stack>
      </Section>
      <Section title="Waves">
        <Waves waves={draft.waves} onWaves={(waves) => onDraft({ waves })} />
      </Section>
      <Section title="More" flush>
        <Fold
          title="When"
          summary={
            draft.windows.length + draft.blackouts.length === 0 && draft.startAt === ''
              ? 'at any hour'
              : 'limited'
          }
          paths={['windows', 'blackouts', 'startAt', 'deadline']}
        >
          <Times draft={draft} onDraft={onDraft} />
        </Fold>
        <Fold
          title="How many at a time, and timeouts"
          summary={`${draft.inFlight ?? 100} under way`}
          paths={['inFlight', 'timeouts']}
        >
          <Limits draft={draft} onDraft={onDraft} />
        </Fold>
        <Fold
          title="For whom"
          summary={draft.channel === '' ? 'the whole channel' : `all of ${draft.channel}, unless limited`}
          paths={['among', 'skip', 'seed']}
        >
          <Whom draft={draft} onDraft={onDraft} devices={devices} />
        </Fold>
      </Section>
    </Stack>
  );
}

/** What is shown beside the form, and whether just that can be made now. */
function useDryRun(draft: RolloutDraft) {
  const [settled] = useDebouncedValue(draft, TYPING_MS);
  const parsed = useMemo(() => parseDraft(settled), [settled]);
  const spec = parsed.success ? parsed.data : undefined;
  const query = usePreview(spec);
  const isOld = settled !== draft || query.isPlaceholderData || query.isFetching || spec === undefined;
  return { spec, issues: parsed.success ? [] : parsed.error.issues, query, isOld };
}

function useWrongPlaces(issues: ReturnType<typeof useDryRun>['issues'], errors: readonly unknown[]): Places {
  const [queryError, createError] = errors;
  return useMemo(() => {
    const places = placesOf(issues);
    for (const error of [queryError, createError])
      if (error instanceof RequestFailed)
        for (const [path, words] of placesOfFailure(error)) places.set(path, words);
    return places;
  }, [issues, queryError, createError]);
}

const hasChanged = (error: unknown): boolean =>
  error instanceof RequestFailed && error.code === 'rollout.changed';

const Changed = () => (
  <p className={classes['changed']} data-tone="warn" role="alert" data-testid="preview-changed">
    <Icon name="warn" />
    <span>
      Nothing was made: since the preview devices came or went, or the channel was moved. This is how it would
      be now; look at it and create it again.
    </span>
  </p>
);

const Unfinished = ({ places }: { places: Places }) => (
  <Section title="What it would do">
    <Empty title="The order is not complete yet" icon="rollout">
      {[...places].slice(0, 4).map(([path, words]) => (
        <div key={path}>
          {placeInWords(path)}: {words}
        </div>
      ))}
    </Empty>
  </Section>
);

function Maker({ known, first }: { known: Known; first: RolloutDraft }) {
  const [draft, setDraft] = useState(first);
  const [, go] = useLocation();
  const { spec, issues, query, isOld } = useDryRun(draft);
  const create = useCreateRollout();
  const isChanged = hasChanged(create.error);
  const places = useWrongPlaces(issues, [query.error, create.error]);
  const { refetch } = query;
  useEffect(() => {
    if (isChanged) void refetch();
  }, [isChanged, refetch]);
  const change = (part: Partial<RolloutDraft>) => {
    setDraft({ ...draft, ...part });
    create.reset();
  };
  const preview = query.error === null && spec !== undefined ? query.data : undefined;
  const make = () => {
    if (spec === undefined || preview === undefined || isOld) return;
    create.mutate(
      { spec, fingerprint: preview.fingerprint, key: crypto.randomUUID() },
      { onSuccess: ({ id }) => go(`/rollouts/${id}`) },
    );
  };
  return (
    <PlacesContext value={places}>
      <div className={classes['columns']}>
        <Form draft={draft} known={known} onDraft={change} />
        <Stack gap="md" miw={0} className={classes['side'] ?? ''}>
          {isChanged && <Changed />}
          {create.error && !isChanged && <Failure error={create.error} />}
          {query.error && spec !== undefined && (
            <Section title="What it would do">
              <Failure error={query.error} onRetry={() => void refetch()} />
            </Section>
          )}
          {spec === undefined && <Unfinished places={places} />}
          {spec !== undefined && query.isPending && query.error === null && <Loading rows={6} />}
          {spec !== undefined && preview && <Preview spec={spec} preview={preview} isOld={isOld} />}
          <Group justify="flex-end" gap="sm" className={classes['finish'] ?? ''}>
            <span className={classes['sub']}>Nothing is started before you start it.</span>
            <Button
              disabled={preview === undefined || isOld}
              loading={create.isPending}
              onClick={make}
              data-testid="create-rollout"
            >
              {preview ? `Create for ${counted(preview.devices, 'device')}` : 'Create'}
            </Button>
          </Group>
        </Stack>
      </div>
    </PlacesContext>
  );
}

/** Begins with what the address names, or with what is likely meant. */
function useFirst(known: Known | undefined): RolloutDraft | undefined {
  const [search] = useSearchParams();
  const [first, setFirst] = useState<RolloutDraft>();
  if (first === undefined && known !== undefined) {
    const app = search.get('app');
    const version = search.get('version');
    const channel = search.get('channel') ?? known.channels[0]?.name ?? '';
    const target = likelyTarget(known, channel, {
      ...(app !== null && { app }),
      ...(version !== null && { version }),
    });
    setFirst(firstDraft(channel, [target]));
  }
  return first;
}

function Ordering() {
  const channels = useChannels();
  const releases = useReleases();
  const known = useMemo<Known | undefined>(
    () =>
      channels.data && releases.data && !releases.hasNextPage
        ? { channels: channels.data.items, releases: releases.data.pages.flatMap(({ items }) => items) }
        : undefined,
    [channels.data, releases.data, releases.hasNextPage],
  );
  const first = useFirst(known);
  const error = channels.error ?? releases.error;
  if (error && known === undefined) return <Failure error={error} />;
  if (known === undefined || first === undefined) return <Loading rows={8} height={28} />;
  if (known.releases.length === 0)
    return (
      <Empty title="There is no release to roll out" icon="release">
        Publish one first, without moving a channel: <code>wafer publish FILE --no-channel</code>
      </Empty>
    );
  return <Maker known={known} first={first} />;
}

export function NewRolloutPage() {
  useDocumentTitle('New rollout · Wafer');
  const mayOperate = useMayOperate();
  return (
    <>
      <Breadcrumbs separator="/" separatorMargin={6}>
        <Anchor component={Link} href="/rollouts" size="sm">
          Rollouts
        </Anchor>
      </Breadcrumbs>
      <Title order={1} mt={4} mb={16}>
        New rollout
      </Title>
      {mayOperate ? (
        <Ordering />
      ) : (
        <Empty title="Your role is viewer; an operator may make a rollout" icon="lock" />
      )}
    </>
  );
}
