/** How boards join: the tokens that let them in, and boards that seem to be copies. For operators. */
import { Group, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle, useMediaQuery } from '@mantine/hooks';
import type { ClaimView } from '@wafer/protocol/api';
import { useState } from 'react';
import { Empty, Loading, Ready } from '../elements/notice.tsx';
import { Section } from '../elements/section.tsx';
import { ClaimCards, ClaimTable } from './claim-table.tsx';
import { Clones } from './clone-notice.tsx';
import { EnrolButton } from './enrol-button.tsx';
import { useClaims } from './queries.ts';
import { RevokeClaim } from './revoke-dialogs.tsx';

function Claims({ claims }: { claims: readonly ClaimView[] }) {
  const isNarrow = useMediaQuery('(max-width: 760px)', false, { getInitialValueInEffect: false });
  const [leaving, setLeaving] = useState<ClaimView | null>(null);
  const List = isNarrow ? ClaimCards : ClaimTable;
  return (
    <>
      <List claims={claims} onRevoke={setLeaving} />
      {leaving && <RevokeClaim claim={leaving} onClose={() => setLeaving(null)} />}
    </>
  );
}

export function EnrolmentPage() {
  useDocumentTitle('Enrolment · Wafer');
  const claims = useClaims();
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <div>
          <Title order={1}>Enrolment</Title>
          <Text c="dimmed">A claim token lets boards join. Its secret is shown once and not kept.</Text>
        </div>
        <EnrolButton variant="filled" />
      </Group>
      <Clones />
      <Section title="Claim tokens" flush>
        <Ready query={claims} loading={<Loading rows={3} height={28} />}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No token was made yet">One token enrols as many boards as you say.</Empty>
            ) : (
              <Claims claims={items} />
            )
          }
        </Ready>
      </Section>
    </Stack>
  );
}
