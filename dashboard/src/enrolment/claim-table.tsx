/** Claim tokens as rows; on narrow screens as cards. */
import { Button, Table } from '@mantine/core';
import type { ClaimView } from '@wafer/protocol/api';
import { Facts } from '../elements/facts.tsx';
import { Pill, Status } from '../elements/status.tsx';
import { When } from '../elements/when.tsx';
import { fullTime } from '../format/time.ts';
import table from '../elements/table.module.css';
import { CLAIM_LOOK, claimState, makerOf, nameOf, usesLeft } from './claims.ts';
import classes from './enrolment.module.css';

interface Props {
  readonly claims: readonly ClaimView[];
  readonly onRevoke: (claim: ClaimView) => void;
}
interface One {
  readonly claim: ClaimView;
  readonly onRevoke: () => void;
}

const State = ({ claim }: { claim: ClaimView }) => (
  <Status look={CLAIM_LOOK[claimState(claim, Date.now())]} testId="claim-state" />
);

const Until = ({ claim }: { claim: ClaimView }) => <>{fullTime(Date.parse(claim.expires))}</>;

function Gives({ claim: { channels, tags } }: { claim: ClaimView }) {
  return (
    <span className={classes['pills']}>
      {channels.map((channel) => (
        <Pill key={channel} title={`Channel ${channel}`}>
          {channel}
        </Pill>
      ))}
      {Object.entries(tags).map(([name, value]) => (
        <Pill key={`${name}=`} title="Tag">
          {name}={value}
        </Pill>
      ))}
      {channels.length === 0 && Object.keys(tags).length === 0 && '–'}
    </span>
  );
}

/** Only what works can be revoked. */
const Revoke = ({ claim, onRevoke }: One) =>
  claimState(claim, Date.now()) === 'works' && (
    <Button size="xs" variant="default" aria-label={`Revoke ${nameOf(claim)}`} onClick={onRevoke}>
      Revoke…
    </Button>
  );

const Name = ({ claim }: { claim: ClaimView }) => (
  <span className={claim.name === null ? 'mono' : classes['name']} title={claim.id}>
    {nameOf(claim)}
  </span>
);

function Row({ claim, onRevoke }: One) {
  return (
    <Table.Tr data-testid="claim-row">
      <Table.Th scope="row">
        <Name claim={claim} />
      </Table.Th>
      <Table.Td>
        <State claim={claim} />
      </Table.Td>
      <Table.Td className="numeric">{usesLeft(claim)}</Table.Td>
      <Table.Td className="numeric">
        <Until claim={claim} />
      </Table.Td>
      <Table.Td>
        <Gives claim={claim} />
      </Table.Td>
      <Table.Td>{claim.group ?? '–'}</Table.Td>
      <Table.Td>
        {makerOf(claim.madeBy)}, <When at={claim.created} />
      </Table.Td>
      <Table.Td ta="right">
        <Revoke claim={claim} onRevoke={onRevoke} />
      </Table.Td>
    </Table.Tr>
  );
}

const HEADS = ['Name', 'State', 'Left', 'Until', 'Channels and tags', 'Group', 'Made by', ''];

export function ClaimTable({ claims, onRevoke }: Props) {
  return (
    <Table.ScrollContainer minWidth={900} type="native">
      <Table className={table['table'] ?? ''} verticalSpacing={8} horizontalSpacing="md">
        <Table.Thead>
          <Table.Tr>
            {HEADS.map((head) => (
              <Table.Th key={head} scope="col" aria-label={head === '' ? 'Revoke' : undefined}>
                {head}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {claims.map((claim) => (
            <Row key={claim.id} claim={claim} onRevoke={() => onRevoke(claim)} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

export function ClaimCards({ claims, onRevoke }: Props) {
  return (
    <ul className={classes['list']}>
      {claims.map((claim) => (
        <li key={claim.id} className={classes['card']} data-testid="claim-row">
          <div className={classes['cardHead']}>
            <Name claim={claim} />
            <State claim={claim} />
            <Revoke claim={claim} onRevoke={() => onRevoke(claim)} />
          </div>
          <Facts
            facts={[
              ['Left', usesLeft(claim)],
              ['Until', <Until key="until" claim={claim} />],
              ['Gives', <Gives key="gives" claim={claim} />],
              claim.group !== null && ['Group', claim.group],
              [
                'Made by',
                <span key="by">
                  {makerOf(claim.madeBy)}, <When at={claim.created} />
                </span>,
              ],
            ]}
          />
        </li>
      ))}
    </ul>
  );
}
