/** What the dry run finds of each device, by verdict. */
import { Table } from '@mantine/core';
import type { DeviceVerdict, RolloutPreview } from '@wafer/protocol/rollout-views';
import type { CreateRollout, Verdict } from '@wafer/protocol/rollouts';
import { useState } from 'react';
import { Link } from 'wouter';
import { FilterChip, FilterChips } from '../../elements/filter-chips.tsx';
import { Empty, Loading, Ready } from '../../elements/notice.tsx';
import { Older } from '../../elements/older.tsx';
import { Status } from '../../elements/status.tsx';
import { bytes } from '../../format/quantity.ts';
import { fullTime } from '../../format/time.ts';
import { VERDICT_LOOK } from '../looks.ts';
import { verdictSegments } from '../progress.ts';
import { usePreviewDevices } from './queries.ts';
import table from '../../elements/table.module.css';
import classes from './make.module.css';

const INSTANT = /\d{4}-\d\d-\d\dT[\d:.]+Z/;
/** Instants in it as this browser writes them. */
const inWords = (detail: string): string =>
  detail.replace(INSTANT, (instant) => fullTime(Date.parse(instant)));

function Row({ line }: { line: DeviceVerdict }) {
  return (
    <Table.Tr data-testid="verdict-row">
      <Table.Th scope="row" className={classes['device'] ?? ''}>
        <Link href={`/devices/${line.device}`} className="quiet">
          {line.name}
        </Link>
        <span className={classes['sub']}>{line.architecture}</span>
      </Table.Th>
      <Table.Td>
        <Status look={VERDICT_LOOK[line.verdict]} />
        {line.detail !== null && <span className={classes['sub']}>{inWords(line.detail)}</span>}
      </Table.Td>
      <Table.Td className="numeric">{line.wave === null ? 'none' : line.wave + 1}</Table.Td>
      <Table.Td className="numeric">{line.bytes === 0 ? '' : bytes(line.bytes)}</Table.Td>
    </Table.Tr>
  );
}

const Rows = ({ lines }: { lines: readonly DeviceVerdict[] }) => (
  <Table.ScrollContainer minWidth={380} type="native" mah={460}>
    <Table className={table['middle'] ?? ''} verticalSpacing={5} horizontalSpacing="md" stickyHeader>
      <Table.Thead>
        <Table.Tr>
          {['Device', 'Verdict', 'Wave', 'Receives'].map((head) => (
            <Table.Th key={head} scope="col">
              {head}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {lines.map((line) => (
          <Row key={line.device} line={line} />
        ))}
      </Table.Tbody>
    </Table>
  </Table.ScrollContainer>
);

export function VerdictList({ spec, preview }: { spec: CreateRollout; preview: RolloutPreview }) {
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const query = usePreviewDevices(spec, verdict, preview.fingerprint);
  const lines = query.data?.pages.flatMap(({ items }) => items);
  const found = verdictSegments(preview.verdicts).filter(({ count, key }) => count > 0 || key === verdict);
  const all = found.reduce((sum, { count }) => sum + count, 0);
  return (
    <>
      <div className={classes['filters']}>
        <FilterChips label="Filter by verdict">
          <FilterChip isOn={verdict === null} count={all} onClick={() => setVerdict(null)}>
            All
          </FilterChip>
          {found.map(({ key, count, look }) => (
            <FilterChip
              key={key}
              testId="verdict-chip"
              isOn={verdict === key}
              count={count}
              onClick={() => setVerdict(verdict === key ? null : key)}
            >
              <Status look={look} />
            </FilterChip>
          ))}
        </FilterChips>
      </div>
      <Ready query={{ ...query, data: lines }} loading={<Loading rows={3} />}>
        {(shown) =>
          shown.length === 0 ? <Empty title="No device fits" icon="search" /> : <Rows lines={shown} />
        }
      </Ready>
      <Older query={query} what="devices" which="more" />
    </>
  );
}
