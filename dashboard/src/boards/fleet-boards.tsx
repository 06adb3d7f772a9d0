/** The fleet's own devices by architecture, and how their boards did in the agent's self-test. */
import { Table } from '@mantine/core';
import type { BoardsOfArch } from '@wafer/protocol/boards';
import { Link } from 'wouter';
import { Empty, Ready } from '../elements/notice.tsx';
import { Section } from '../elements/section.tsx';
import { Status } from '../elements/status.tsx';
import table from '../elements/table.module.css';
import type { Look } from '../elements/tone.ts';
import { counted, grouped } from '../format/quantity.ts';
import classes from './boards.module.css';
import { useFleetBoards } from './queries.ts';

const PASSED: Look = { tone: 'ok', icon: 'ok', word: 'passed' };
const FAILED: Look = { tone: 'bad', icon: 'bad', word: 'failed' };
const UNKNOWN: Look = { tone: 'idle', icon: 'unknown', word: 'unknown' };

function Count({ count, look }: { count: number; look: Look }) {
  if (count === 0) return null;
  return (
    <Status look={look}>
      {grouped(count)} {look.word}
    </Status>
  );
}

function Rows({ boards }: { boards: BoardsOfArch }) {
  const { arch, devices, online, passed, failed, unknown, failing } = boards;
  return (
    <>
      <Table.Tr data-testid="fleet-boards">
        <Table.Th scope="row">{arch === '' ? 'not seen yet' : arch}</Table.Th>
        <Table.Td>
          {counted(devices, 'device')}, <span className={classes['sub']}>{grouped(online)} online</span>
        </Table.Td>
        <Table.Td>
          <span className={classes['counts']}>
            <Count count={passed} look={PASSED} />
            <Count count={failed} look={FAILED} />
            <Count count={unknown} look={UNKNOWN} />
          </span>
        </Table.Td>
      </Table.Tr>
      {failing.length > 0 && (
        <Table.Tr>
          <Table.Td colSpan={3}>
            <span className={classes['failing']}>
              {failing.map(({ id, name, tests }) => (
                <span key={id}>
                  <Link href={`/devices/${id}`}>{name}</Link>{' '}
                  <span className={classes['sub']}>failed {tests.join(', ')}</span>
                </span>
              ))}
            </span>
          </Table.Td>
        </Table.Tr>
      )}
    </>
  );
}

export function FleetBoardsSection() {
  const boards = useFleetBoards();
  return (
    <Section title="This fleet" flush>
      <Ready query={boards}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No device yet" icon="fleet">
              A board tests itself before its first app; what it found stands here.
            </Empty>
          ) : (
            <div className={classes['scroll']}>
              <Table className={table['middle'] ?? ''} verticalSpacing={7} horizontalSpacing="md">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th scope="col">Architecture</Table.Th>
                    <Table.Th scope="col">Devices</Table.Th>
                    <Table.Th scope="col">Self-test</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map((item) => (
                    <Rows key={item.arch} boards={item} />
                  ))}
                </Table.Tbody>
              </Table>
            </div>
          )
        }
      </Ready>
    </Section>
  );
}
