/** Narrows the fleet to one group; not there as long as there are no groups. */
import { Select } from '@mantine/core';
import { useGroups } from '../groups/queries.ts';

interface Props {
  readonly group: string | null;
  readonly onGroup: (group: string | null) => void;
}

export function GroupFilter({ group, onGroup }: Props) {
  const names = useGroups().data?.map(({ name }) => name) ?? [];
  if (names.length === 0 && group === null) return null;
  const data = group === null || names.includes(group) ? names : [...names, group];
  return (
    <Select
      w={170}
      aria-label="Filter by group"
      placeholder="All groups"
      searchable
      clearable
      data={data}
      value={group}
      onChange={onGroup}
    />
  );
}
