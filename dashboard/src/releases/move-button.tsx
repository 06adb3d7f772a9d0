/** Opens the move dialog for those whose role allows it; tells the others why it does not. */
import { Button, Tooltip } from '@mantine/core';
import { useMayOperate } from '../api/queries.ts';

export function MoveButton({ onClick, children }: { onClick: () => void; children: string }) {
  const mayMove = useMayOperate();
  return (
    <Tooltip label="Your role is viewer; an operator may do this" disabled={mayMove} withArrow>
      <Button
        size="xs"
        variant="default"
        aria-disabled={!mayMove}
        data-disabled={!mayMove}
        onClick={() => {
          if (mayMove) onClick();
        }}
      >
        {children}
      </Button>
    </Tooltip>
  );
}
