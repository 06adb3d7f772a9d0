/** Rollouts as rows; on narrow screens as cards. */
import { Table } from '@mantine/core';
import type { RolloutView } from '@wafer/protocol/rollout-views';
import { Link } from 'wouter';
import { Pill, Status } from '../elements/status.tsx';
import { When } from '../elements/when.tsx';
import { counted } from '../format/quantity.ts';
import { ROLLOUT_LOOK } from './looks.ts';
import { inWords, partSegments, totals } from './progress.ts';
import { ReleasesMoved } from './releases-moved.tsx';
import { StackedBar } from './stacked-bar.tsx';
import { WaveDots } from './wave-dots.tsx';
import table from '../elements/table.module.css';
import classes from './rollouts.module.css';

const Name = ({ rollout }: { rollout: RolloutView }) => (
  <>
    <Link href={`/rollouts/${rollout.id}`} className={classes['name']}>
      {rollout.name}
    </Link>
    <span className={classes['sub']}>
      no {rollout.number} · {rollout.createdBy.replace(/^\w+:/, '')} · <When at={rollout.created} />
    </span>
  </>
);

function Progress({ rollout }: { rollout: RolloutView }) {
  const segments = partSegments(totals(rollout.waves));
  return (
    <div className={classes['progress']}>
      <StackedBar segments={segments} thin />
      <span className={classes['sub']}>
        {inWords(segments)} of {counted(rollout.devices, 'device')}
      </span>
    </div>
  );
}

const State = ({ rollout }: { rollout: RolloutView }) => (
  <>
    <Status look={ROLLOUT_LOOK[rollout.state]} />
    {rollout.reason !== null && <span className={classes['reason']}>{rollout.reason}</span>}
  </>
);

const HEADS = ['Rollout', 'State', 'Channel', 'Releases', 'Waves', 'Devices'];

export const RolloutTable = ({ rollouts }: { rollouts: readonly RolloutView[] }) => (
  <Table.ScrollContainer minWidth={980} type="native">
    <Table className={table['middle'] ?? ''} verticalSpacing={9} horizontalSpacing="md">
      <Table.Thead>
        <Table.Tr>
          {HEADS.map((head) => (
            <Table.Th key={head} scope="col">
              {head}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rollouts.map((rollout) => (
          <Table.Tr key={rollout.id} data-testid="rollout-row">
            <Table.Th scope="row">
              <Name rollout={rollout} />
            </Table.Th>
            <Table.Td className={classes['state'] ?? ''}>
              <State rollout={rollout} />
            </Table.Td>
            <Table.Td>
              <Pill>{rollout.channel}</Pill>
            </Table.Td>
            <Table.Td>
              <ReleasesMoved targets={rollout.targets} />
            </Table.Td>
            <Table.Td>
              <WaveDots waves={rollout.waves} />
            </Table.Td>
            <Table.Td w={230}>
              <Progress rollout={rollout} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  </Table.ScrollContainer>
);

export const RolloutCards = ({ rollouts }: { rollouts: readonly RolloutView[] }) => (
  <ul className={classes['cards']}>
    {rollouts.map((rollout) => (
      <li key={rollout.id} className={classes['card']} data-testid="rollout-row">
        <div className={classes['cardLine']}>
          <span>
            <Name rollout={rollout} />
          </span>
          <Pill>{rollout.channel}</Pill>
        </div>
        <div>
          <State rollout={rollout} />
        </div>
        <ReleasesMoved targets={rollout.targets} />
        <WaveDots waves={rollout.waves} />
        <Progress rollout={rollout} />
      </li>
    ))}
  </ul>
);
