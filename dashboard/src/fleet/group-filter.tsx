/** Narrows the fleet to one group. Groups are asked for when somebody looks at them. */
import { Select } from '@mantine/core';
import { useState } from 'react';
import { useGroups } from '../groups/queries.ts';

interface Props {
  readonly group: string | null;
  readonly onGroup: (group: string | null) => void;
}

export function GroupFilter({ group, onGroup }: Props) {
  const [isWanted, setWanted] = useState(false);
  const groups = useGroups({ isWanted }).data;
  const names = groups?.map(({ name }) => name) ?? [];
  return (
    <Select
      w={170}
      aria-label="Filter by group"
      placeholder="All groups"
      searchable
      clearable
      nothingFoundMessage={groups === undefined ? 'Loading…' : 'No group'}
      data={group === null || names.includes(group) ? names : [...names, group]}
      value={group}
      onChange={onGroup}
      onDropdownOpen={() => setWanted(true)}
      onDropdownClose={() => setWanted(false)}
    />
  );
}
