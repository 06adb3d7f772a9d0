/** Each device's part in the rollout, by what became of it and why. */
import { Select, Table } from '@mantine/core';
import type { RolloutView } from '@wafer/protocol/rollout-views';
import { useMemo, useState } from 'react';
import { Link } from 'wouter';
import { FilterChip, FilterChips } from '../../elements/filter-chips.tsx';
import { Empty, Ready } from '../../elements/notice.tsx';
import { Older } from '../../elements/older.tsx';
import { Section } from '../../elements/section.tsx';
import { Status } from '../../elements/status.tsx';
import { EXECUTION_LOOK } from '../../elements/tone.ts';
import { When } from '../../elements/when.tsx';
import { useKnownDevices } from '../known-devices.ts';
import { PARTS, PART_LOOK, type Part } from '../looks.ts';
import { causesOf, totals } from '../progress.ts';
import { useMembers, type Member, type MemberFilter } from './members.ts';
import table from '../../elements/table.module.css';
import classes from './one.module.css';

type Change = (next: MemberFilter) => void;

function Filter({ view, filter, onFilter }: { view: RolloutView; filter: MemberFilter; onFilter: Change }) {
  const waves = filter.wave === null ? view.waves : view.waves.slice(filter.wave, filter.wave + 1);
  const sums = totals(waves);
  const all = waves.reduce((sum, { counts }) => sum + counts.devices, 0);
  const toggle = (part: Part) =>
    onFilter({ ...filter, part: filter.part === part && filter.cause === null ? null : part, cause: null });
  return (
    <div className={classes['filters']}>
      <FilterChips label="Filter by state and cause">
        <FilterChip
          isOn={filter.part === null}
          count={all}
          onClick={() => onFilter({ ...filter, part: null, cause: null })}
        >
          All
        </FilterChip>
        {PARTS.filter((part) => sums[part] > 0 || filter.part === part).map((part) => (
          <FilterChip
            key={part}
            isOn={filter.part === part && filter.cause === null}
            count={sums[part]}
            onClick={() => toggle(part)}
          >
            <Status look={PART_LOOK[part]} />
          </FilterChip>
        ))}
        {causesOf(waves).map(([cause, count]) => (
          <FilterChip
            key={cause}
            isOn={filter.cause === cause}
            count={count}
            onClick={() =>
              onFilter(
                filter.cause === cause
                  ? { ...filter, part: null, cause: null }
                  : { ...filter, part: 'failed', cause },
              )
            }
          >
            by <code>{cause}</code>
          </FilterChip>
        ))}
      </FilterChips>
      <Select
        size="xs"
        w={190}
        aria-label="Wave"
        placeholder="Every wave"
        clearable
        data={view.waves.map(({ name }, index) => ({ value: `${index}`, label: `${index + 1}. ${name}` }))}
        value={filter.wave === null ? null : `${filter.wave}`}
        onChange={(wave) => onFilter({ ...filter, wave: wave === null ? null : Number(wave) })}
      />
    </div>
  );
}

function Rows({ members, names }: { members: readonly Member[]; names: ReadonlyMap<string, string> }) {
  return (
    <Table.ScrollContainer minWidth={540} type="native">
      <Table className={table['middle'] ?? ''} verticalSpacing={6} horizontalSpacing="md">
        <Table.Thead>
          <Table.Tr>
            {['Device', 'State', 'Cause', 'Wave', 'Changed'].map((head) => (
              <Table.Th key={head} scope="col">
                {head}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {members.map(({ device, state, cause, wave, updated }) => (
            <Table.Tr key={device} data-testid="member">
              <Table.Th scope="row">
                <Link href={`/devices/${device}`} className="quiet">
                  {names.get(device) ?? <code>{device}</code>}
                </Link>
              </Table.Th>
              <Table.Td>
                <Status look={EXECUTION_LOOK[state]} />
              </Table.Td>
              <Table.Td>{cause === null ? '' : <code>{cause}</code>}</Table.Td>
              <Table.Td className="numeric">{wave + 1}</Table.Td>
              <Table.Td>
                <When at={updated} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

const EVERY: MemberFilter = { part: null, wave: null, cause: null };

export function Executions({ view }: { view: RolloutView }) {
  const [filter, setFilter] = useState(EVERY);
  const query = useMembers(view.id, filter);
  const devices = useKnownDevices();
  const names = useMemo(() => new Map<string, string>(devices.map(({ id, name }) => [id, name])), [devices]);
  const members = query.data?.pages.flatMap(({ items }) => items);
  return (
    <Section title="Devices" flush>
      <Filter view={view} filter={filter} onFilter={setFilter} />
      <Ready query={{ ...query, data: members }}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No device fits" icon="search" />
          ) : (
            <Rows members={all} names={names} />
          )
        }
      </Ready>
      <Older query={query} what="devices" which="more" />
    </Section>
  );
}
