/** Health of the updated devices beside that of those not yet updated, as the gate compares it. */
import { Table } from '@mantine/core';
import type { RolloutView, SideView } from '@wafer/protocol/rollout-views';
import type { Comparison as Limits } from '@wafer/protocol/rollouts';
import { bytes, counted } from '../../format/quantity.ts';
import { milliseconds } from '../../format/time.ts';
import { Status } from '../../elements/status.tsx';
import type { Look } from '../../elements/tone.ts';
import table from '../../elements/table.module.css';
import { compared, type Compared } from './compared.ts';

type Sides = NonNullable<RolloutView['comparison']>;

const FORMAT = {
  faults: (value: number) => `${Number(value.toFixed(2))} %`,
  latency: milliseconds,
  memory: bytes,
} as const satisfies Record<Compared['what'], (value: number) => string>;

const WORSE: Look = { tone: 'bad', icon: 'bad', word: 'worse' };
const FINE: Look = { tone: 'ok', icon: 'ok', word: 'within the limit' };

const WORD = { faults: 'Faults of calls', latency: 'Latency', memory: 'Memory' } as const;

function Row({ what, updated, others, more, isJudged, isWorse }: Compared) {
  const format = FORMAT[what];
  return (
    <Table.Tr>
      <Table.Th scope="row">{WORD[what]}</Table.Th>
      <Table.Td className="numeric">{updated === null ? '–' : format(updated)}</Table.Td>
      <Table.Td className="numeric">{others === null ? '–' : format(others)}</Table.Td>
      <Table.Td className="numeric">
        {more !== null && isJudged ? <Status look={isWorse ? WORSE : FINE}>{more}</Status> : (more ?? '–')}
      </Table.Td>
    </Table.Tr>
  );
}

const side = ({ devices }: SideView): string => counted(devices, 'device');

export function Comparison({ sides, limits }: { sides: Sides; limits: Limits }) {
  return (
    <Table className={table['middle'] ?? ''} verticalSpacing={4} mt={6} data-testid="comparison">
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">Median</Table.Th>
          <Table.Th scope="col">Updated ({side(sides.updated)})</Table.Th>
          <Table.Th scope="col">Others ({side(sides.others)})</Table.Th>
          <Table.Th scope="col">Difference</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {compared(sides, limits).map((row) => (
          <Row key={row.what} {...row} />
        ))}
      </Table.Tbody>
    </Table>
  );
}
