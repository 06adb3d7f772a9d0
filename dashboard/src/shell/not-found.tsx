/** For addresses that name no page. */
import { Anchor } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { Link } from 'wouter';
import { Empty } from '../elements/notice.tsx';

export function NotFound() {
  useDocumentTitle('Not found · Wafer');
  return (
    <Empty title="There is no page at this address" icon="unknown">
      <Anchor component={Link} href="/">
        Go to the fleet
      </Anchor>
    </Empty>
  );
}
