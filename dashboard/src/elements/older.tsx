/** Below a list that goes back in time: reads the next page of it. */
import { Button } from '@mantine/core';

interface Props {
  readonly query: {
    readonly hasNextPage: boolean;
    readonly isFetchingNextPage: boolean;
    readonly fetchNextPage: () => unknown;
  };
  /** Such as `events`. */
  readonly what: string;
}

export function Older({ query, what }: Props) {
  if (!query.hasNextPage) return null;
  return (
    <Button
      variant="subtle"
      size="xs"
      m={10}
      loading={query.isFetchingNextPage}
      onClick={() => void query.fetchNextPage()}
    >
      Load older {what}
    </Button>
  );
}
