/** One digest on every board: what the hardware tests found, and the boards of this fleet. */
import { Stack, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { FleetBoardsSection } from './fleet-boards.tsx';
import { LatestRun } from './latest-run.tsx';

export function BoardsPage() {
  useDocumentTitle('Boards · Wafer');
  return (
    <Stack gap="md">
      <Title order={1}>Boards</Title>
      <LatestRun />
      <FleetBoardsSection />
    </Stack>
  );
}
