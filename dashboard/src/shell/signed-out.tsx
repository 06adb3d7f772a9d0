/** What someone sees who is not signed in: how to get in. */
import { Button, Paper, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { ERRORS } from '@wafer/protocol/errors';
import { Link, useSearchParams } from 'wouter';
import { useMe } from '../api/queries.ts';
import { Command } from '../elements/copy.tsx';
import { Icon, Mark } from '../elements/icons.tsx';

const LINK_INVALID = 'auth.link-invalid';

function Explanation({ reason }: { reason: string | null }) {
  if (reason !== LINK_INVALID)
    return (
      <Text c="dimmed">
        This page opens with a one-time link. Use the one that <code>npm start</code> printed, or make a new
        one on the machine that runs the server:
      </Text>
    );
  return (
    <>
      <Text data-tone="warn" fw={600} style={{ display: 'flex', gap: 8, alignItems: 'center' }} role="alert">
        <Icon name="bad" />
        {ERRORS[LINK_INVALID].title}
      </Text>
      <Text c="dimmed">
        Each link signs in once and only for a while. It was used already, or it is too old. Make a new one on
        the machine that runs the server:
      </Text>
    </>
  );
}

export function SignedOut() {
  useDocumentTitle('Signed out · Wafer');
  const [search] = useSearchParams();
  const me = useMe();
  return (
    <main style={{ minHeight: '100dvh', display: 'grid', placeItems: 'center', padding: 16 }}>
      <Paper withBorder p={28} radius="lg" maw={460} w="100%" bg="var(--wafer-surface)">
        <Stack gap="md">
          <Mark size={36} />
          <Title order={1}>{me.data ? 'You are signed in' : 'Sign in to Wafer'}</Title>
          {me.data ? (
            <Button component={Link} href="/" variant="filled">
              Open the fleet as {me.data.name}
            </Button>
          ) : (
            <>
              <Explanation reason={search.get('reason')} />
              <Command>npm run wafer -- sign-in</Command>
              <Text c="dimmed" size="sm">
                It prints a link; open it in this browser.
              </Text>
            </>
          )}
        </Stack>
      </Paper>
    </main>
  );
}
