/** Below a list that goes on, back in time unless it says otherwise: reads the next page of it. */
import { Button } from '@mantine/core';

interface Props {
  readonly query: {
    readonly hasNextPage: boolean;
    readonly isFetchingNextPage: boolean;
    readonly fetchNextPage: () => unknown;
  };
  /** Such as `events`. */
  readonly what: string;
  readonly which?: 'older' | 'more';
}

export function Older({ query, what, which = 'older' }: Props) {
  if (!query.hasNextPage) return null;
  return (
    <Button
      variant="subtle"
      size="xs"
      m={10}
      loading={query.isFetchingNextPage}
      onClick={() => void query.fetchNextPage()}
    >
      Load {which} {what}
    </Button>
  );
}
