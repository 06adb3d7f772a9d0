/** One's own API tokens, whatever one's role: seen, and ended. */
import { Modal, Stack, Text } from '@mantine/core';
import type { TokenView } from '@wafer/protocol/people';
import { Empty, Loading, Ready } from '../elements/notice.tsx';
import classes from './people.module.css';
import { useOwnTokens, useRemoveOwnToken } from './queries.ts';
import { TokenRow } from './tokens.tsx';

const OwnToken = ({ token }: { token: TokenView }) => <TokenRow token={token} remove={useRemoveOwnToken()} />;

export function OwnTokensDialog({ onClose }: { onClose: () => void }) {
  const tokens = useOwnTokens();
  return (
    <Modal opened onClose={onClose} title="Your API tokens" size="xl" centered>
      <Stack gap="md">
        <Text>
          They act as you, never above your role, and are deleted with you. Admins make them on the page
          People.
        </Text>
        <Ready query={tokens} loading={<Loading rows={2} height={28} />}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="You have none" />
            ) : (
              <ul className={classes['list']}>
                {items.map((token) => (
                  <OwnToken key={token.id} token={token} />
                ))}
              </ul>
            )
          }
        </Ready>
      </Stack>
    </Modal>
  );
}
