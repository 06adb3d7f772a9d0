/** One release: what it is, what it imports and exports, what it asks for, who signed it. */
import { Anchor, Breadcrumbs, Group, Stack, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReleaseView } from '@wafer/protocol/api';
import { useState } from 'react';
import { Link } from 'wouter';
import { GrantList } from '../apps/grant-list.tsx';
import { useReleases } from '../api/queries.ts';
import { CopyValue } from '../elements/copy.tsx';
import { Facts } from '../elements/facts.tsx';
import { Empty, Loading, Ready } from '../elements/notice.tsx';
import { Section } from '../elements/section.tsx';
import { Pill } from '../elements/status.tsx';
import { When } from '../elements/when.tsx';
import { bytes, grouped } from '../format/quantity.ts';
import { fullTime } from '../format/time.ts';
import { NewRolloutButton } from '../rollouts/new-button.tsx';
import { byPackage } from './interfaces.ts';
import { MoveButton } from './move-button.tsx';
import { MoveDialog, type MoveStart } from './move-dialog.tsx';
import classes from './releases.module.css';

function Interfaces({ names }: { names: readonly string[] }) {
  if (names.length === 0) return <span className={classes['sub']}>none</span>;
  return (
    <dl className={classes['interfaces']}>
      {byPackage(names).map(({ name, interfaces }) => (
        <div key={name ?? ''}>
          <dt>{name ?? 'outside any package'}</dt>
          <dd>
            {interfaces.map((each) => (
              <code key={each}>{each}</code>
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}

const Whole = ({ value, label }: { value: string; label: string }) => (
  <span style={{ display: 'flex', gap: 4 }}>
    <code style={{ overflowWrap: 'anywhere' }}>{value}</code>
    <CopyValue value={value} label={label} />
  </span>
);

function ReleaseFacts({ release }: { release: ReleaseView }) {
  return (
    <Section title="Component">
      <Facts
        facts={[
          ['Release', `number ${release.counter} of ${release.app}`],
          ['World', release.world],
          ['Size', `${bytes(release.length)} (${grouped(release.length)} bytes)`],
          ['Memory', `asks for ${release.memoryMiB} MiB`],
          [
            'Published',
            <span key="published">
              <When at={release.published} />, {fullTime(Date.parse(release.published))}
            </span>,
          ],
          ['Digest', <Whole key="digest" value={release.digest} label="digest" />],
          [
            'Signed by',
            release.signers.length === 0
              ? 'nobody'
              : release.signers.map((signer) => <Whole key={signer} value={signer} label="signer key id" />),
          ],
        ]}
      />
    </Section>
  );
}

function Release({ release }: { release: ReleaseView }) {
  const [move, setMove] = useState<MoveStart | null>(null);
  return (
    <>
      <Breadcrumbs separator="/" separatorMargin={6}>
        <Anchor component={Link} href="/releases" size="sm">
          Releases
        </Anchor>
        <span className={classes['sub']}>{release.app}</span>
      </Breadcrumbs>
      <header className={classes['head']}>
        <Title order={1}>
          {release.app} {release.version}
        </Title>
        <span className={classes['pills']}>
          {release.channels.map((channel) => (
            <Pill key={channel}>current in {channel}</Pill>
          ))}
          {release.channels.length === 0 && <span className={classes['sub']}>current in no channel</span>}
        </span>
        <Group gap="xs" ml="auto">
          <MoveButton onClick={() => setMove({ app: release.app, version: release.version })}>
            Make current in a channel…
          </MoveButton>
          <NewRolloutButton variant="default" start={{ app: release.app, version: release.version }} />
        </Group>
      </header>
      <div className={classes['columns']}>
        <Stack gap="md" miw={0}>
          <ReleaseFacts release={release} />
          <Section title="Grants it asks for">
            <GrantList grants={release.grants} />
          </Section>
        </Stack>
        <Stack gap="md" miw={0}>
          <Section title="Imports">
            <Interfaces names={release.imports} />
          </Section>
          <Section title="Exports">
            <Interfaces names={release.exports} />
          </Section>
        </Stack>
      </div>
      <MoveDialog start={move} onClose={() => setMove(null)} />
    </>
  );
}

export function ReleasePage({ app, version }: { app: string; version: string }) {
  useDocumentTitle(`${app} ${version} · Wafer`);
  const query = useReleases();
  const found = query.data?.pages
    .flatMap(({ items }) => items)
    .find((each) => each.app === app && each.version === version);
  const isSearching = query.hasNextPage || query.isFetchingNextPage;
  return (
    <Ready query={query} loading={<Loading rows={6} height={28} />}>
      {() => {
        if (found) return <Release release={found} />;
        if (isSearching) return <Loading rows={6} height={28} />;
        return (
          <Empty title={`There is no release ${app} ${version}`} icon="unknown">
            <Anchor component={Link} href="/releases">
              See all releases
            </Anchor>
          </Empty>
        );
      }}
    </Ready>
  );
}
