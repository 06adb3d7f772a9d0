/** How a board joins, for a fleet that has none. */
import { Stack } from '@mantine/core';
import { Command } from '../elements/copy.tsx';
import { Empty } from '../elements/notice.tsx';
import { EnrolButton } from '../enrolment/enrol-button.tsx';

export function EnrolHelp() {
  return (
    <Empty title="No board is enrolled yet" icon="fleet">
      <Stack gap={14} align="center" mt={4}>
        <span>A board joins with a claim token. It appears here by itself once its agent runs.</span>
        <EnrolButton variant="filled" />
        <Stack gap={6} w="100%">
          <span>
            Or make the token on the machine that runs the server; it prints what to type on the board:
          </span>
          <Command>npm run wafer -- claim create --channel stable</Command>
        </Stack>
      </Stack>
    </Empty>
  );
}
