/** What someone sees who is not signed in: how to get in. */
import { Button, Paper, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { ERRORS } from '@wafer/protocol/errors';
import { Link, useSearchParams } from 'wouter';
import { useMe } from '../api/queries.ts';
import { Command } from '../elements/copy.tsx';
import { Icon, Mark } from '../elements/icons.tsx';
import { SignInForm } from './sign-in-form.tsx';

const REFUSALS = ['auth.link-invalid', 'auth.sso-refused', 'auth.sso-unavailable'] as const;

const WHY: Readonly<Record<(typeof REFUSALS)[number], string>> = {
  'auth.link-invalid': 'Each link signs in once and only for a while. It was used already, or it is too old.',
  'auth.sso-refused': 'Only people who were invited come in, by the address that was invited. Ask an admin.',
  'auth.sso-unavailable': 'The server’s log says why. Meanwhile, use a password or a one-time link.',
};

function Refusal({ reason }: { reason: string | null }) {
  const code = REFUSALS.find((known) => known === reason);
  if (code === undefined) return null;
  return (
    <Stack gap={4}>
      <Text data-tone="warn" fw={600} style={{ display: 'flex', gap: 8, alignItems: 'center' }} role="alert">
        <Icon name="bad" />
        {ERRORS[code].title}
      </Text>
      <Text c="dimmed">{WHY[code]}</Text>
    </Stack>
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
              <Refusal reason={search.get('reason')} />
              <SignInForm />
              <Text c="dimmed">
                Without a password, use a one-time link: the one that <code>npm start</code> printed, the one
                of your invitation, or a new one, made on the machine that runs the server:
              </Text>
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
