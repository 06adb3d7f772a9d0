/** The newest run of the hardware tests: which journey passed on which rig, and whether all answered alike. */
import { Table, Text } from '@mantine/core';
import type { HardwareRunView } from '@wafer/protocol/boards';
import type { RigResult } from '@wafer/protocol/hardware';
import { Command, ShortHex } from '../elements/copy.tsx';
import { Facts } from '../elements/facts.tsx';
import { Icon } from '../elements/icons.tsx';
import { Empty, Ready } from '../elements/notice.tsx';
import { Section } from '../elements/section.tsx';
import { Status } from '../elements/status.tsx';
import table from '../elements/table.module.css';
import type { Look } from '../elements/tone.ts';
import { When } from '../elements/when.tsx';
import classes from './boards.module.css';
import { KIND_WORDS, matrixOf, OUTCOME_LOOK, remarksOf, type Cell } from './matrix.ts';
import { useLatestRun } from './queries.ts';

const IDENTICAL: Look = { tone: 'ok', icon: 'ok', word: 'identical' };
const DIFFERENT: Look = { tone: 'bad', icon: 'bad', word: 'not identical' };

const duration = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;

function RigHead({ rig }: { rig: RigResult }) {
  return (
    <Table.Th scope="col">
      <span className={classes['rig']}>
        <strong>{rig.rig}</strong>
        <span className={classes['sub']}>
          {rig.arch}, <span>{KIND_WORDS[rig.kind]}</span>
        </span>
      </span>
    </Table.Th>
  );
}

function OutcomeCell({ cell }: { cell: Cell }) {
  return (
    <Table.Td>
      <span className={classes['cell']} title={cell.detail}>
        <Status look={OUTCOME_LOOK[cell.outcome]} />
        {cell.ms !== undefined && <span className={classes['sub']}>{duration(cell.ms)}</span>}
      </span>
    </Table.Td>
  );
}

function Matrix({ run }: { run: HardwareRunView }) {
  return (
    <div className={classes['scroll']} data-testid="board-matrix">
      <Table className={table['middle'] ?? ''} verticalSpacing={7} horizontalSpacing="md">
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Journey</Table.Th>
            {run.rigs.map((rig) => (
              <RigHead key={rig.rig} rig={rig} />
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {matrixOf(run).map(({ journey, cells }) => (
            <Table.Tr key={journey}>
              <Table.Th scope="row">{journey}</Table.Th>
              {cells.map((cell, index) => (
                <OutcomeCell key={run.rigs[index]?.rig} cell={cell} />
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function Remarks({ run }: { run: HardwareRunView }) {
  const remarks = remarksOf(run);
  if (remarks.length === 0) return null;
  return (
    <ul className={classes['remarks']} data-testid="board-remarks">
      {remarks.map(({ outcome, where, why }) => (
        <li key={where} data-tone={OUTCOME_LOOK[outcome].tone}>
          <Icon name={OUTCOME_LOOK[outcome].icon} />
          <span>
            <strong>{where}</strong> {OUTCOME_LOOK[outcome].word}: {why}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Answers({ run }: { run: HardwareRunView }) {
  return (
    <div className={classes['facts']}>
      <Facts
        facts={[
          [
            'Answers',
            <span key="answers">
              <Status look={run.identical ? IDENTICAL : DIFFERENT} />{' '}
              <span className={classes['sub']}>
                {run.identical ? 'on every rig that ran, byte for byte' : 'between rigs'}
              </span>
            </span>,
          ],
          run.digests.length > 0 && [
            'Components',
            <span key="digests" className={classes['digests']}>
              {run.digests.map((digest) => (
                <ShortHex key={digest} value={digest} label="digest" />
              ))}
            </span>,
          ],
          ['Agent', run.agent],
        ]}
      />
      <Text className={classes['sub'] ?? ''} mt={8}>
        Emulated rigs have no times: they show that it works, never how fast it is.
      </Text>
    </div>
  );
}

export function LatestRun() {
  const run = useLatestRun();
  return (
    <Section
      title="Hardware tests"
      flush
      aside={
        run.data && (
          <span className={classes['sub']}>
            run <When at={run.data.at} />
          </span>
        )
      }
    >
      <Ready query={run}>
        {(data) =>
          data === null ? (
            <Empty title="No run was published yet" icon="board">
              <p>The hardware tests run the same journeys on this machine, emulated and on real boards.</p>
              <Command>npm run -s test:hardware -- --publish</Command>
            </Empty>
          ) : (
            <>
              <Matrix run={data} />
              <Remarks run={data} />
              <Answers run={data} />
            </>
          )
        }
      </Ready>
    </Section>
  );
}
