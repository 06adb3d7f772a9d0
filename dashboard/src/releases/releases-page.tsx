/** Every release, under its app, newest first. */
import { Anchor, Group, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle, useMediaQuery } from '@mantine/hooks';
import type { ReleaseView } from '@wafer/protocol/api';
import { Link } from 'wouter';
import { useReleases } from '../api/queries.ts';
import { Command } from '../elements/copy.tsx';
import { Empty, Loading, Ready } from '../elements/notice.tsx';
import { Section } from '../elements/section.tsx';
import { counted } from '../format/quantity.ts';
import { byApp } from './moves.ts';
import { ReleaseCards, ReleaseTable } from './release-table.tsx';

function AppReleases({ app, releases }: { app: string; releases: readonly ReleaseView[] }) {
  const isNarrow = useMediaQuery('(max-width: 760px)', false, { getInitialValueInEffect: false });
  return (
    <Section title={app} flush aside={<Text c="dimmed">{counted(releases.length, 'release')}</Text>}>
      {isNarrow ? <ReleaseCards releases={releases} /> : <ReleaseTable releases={releases} />}
    </Section>
  );
}

export function ReleasesPage() {
  useDocumentTitle('Releases · Wafer');
  const query = useReleases();
  const releases = query.data?.pages.flatMap(({ items }) => items);
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Title order={1}>Releases</Title>
        <Anchor component={Link} href="/trust" size="sm">
          Keys that sign them
        </Anchor>
      </Group>
      <Ready query={{ ...query, data: releases }} loading={<Loading rows={6} height={28} />}>
        {(all) =>
          all.length === 0 ? (
            <Section title="No release yet">
              <Empty title="Nothing is published" icon="release">
                <Stack gap={10} align="stretch" mt={6}>
                  <span>Publish a component, a WASI command or a JavaScript guest:</span>
                  <Command>npm run wafer -- publish FILE --app NAME --version 1.0.0 --channel stable</Command>
                </Stack>
              </Empty>
            </Section>
          ) : (
            byApp(all).map(([app, list]) => <AppReleases key={app} app={app} releases={list} />)
          )
        }
      </Ready>
    </Stack>
  );
}
