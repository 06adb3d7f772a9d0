/** Releases of one app as rows; on narrow screens as cards. */
import { Table } from '@mantine/core';
import type { ReleaseView } from '@wafer/protocol/api';
import { Link } from 'wouter';
import { ShortHex } from '../elements/copy.tsx';
import { Facts } from '../elements/facts.tsx';
import { Pill } from '../elements/status.tsx';
import { When } from '../elements/when.tsx';
import { bytes } from '../format/quantity.ts';
import { packageNames } from './interfaces.ts';
import table from '../elements/table.module.css';
import classes from './releases.module.css';

const CurrentIn = ({ channels }: { channels: readonly string[] }) => (
  <span className={classes['pills']}>
    {channels.map((channel) => (
      <Pill key={channel}>{channel}</Pill>
    ))}
    {channels.length === 0 && <span className={classes['sub']}>no channel</span>}
  </span>
);

const Packages = ({ names }: { names: readonly string[] }) => (
  <span className={classes['packages']} title={names.join('\n')}>
    {packageNames(names).map((name) => (
      <code key={name}>{name}</code>
    ))}
    {names.length === 0 && 'none'}
  </span>
);

function ReleaseRow({ release }: { release: ReleaseView }) {
  return (
    <Table.Tr data-testid="release-row">
      <Table.Th scope="row">
        <Link href={`/releases/${release.app}/${release.version}`} className={classes['version']}>
          {release.version}
        </Link>
        <div className={classes['sub']}>counter {release.counter}</div>
      </Table.Th>
      <Table.Td>
        <CurrentIn channels={release.channels} />
      </Table.Td>
      <Table.Td>{release.world}</Table.Td>
      <Table.Td className="numeric">{bytes(release.length)}</Table.Td>
      <Table.Td>
        <Packages names={release.imports} />
      </Table.Td>
      <Table.Td>
        <Packages names={release.exports} />
      </Table.Td>
      <Table.Td>
        <ShortHex value={release.digest} label="digest" />
      </Table.Td>
      <Table.Td>
        {release.signers.map((signer) => (
          <div key={signer}>
            <ShortHex value={signer} label="signer key id" />
          </div>
        ))}
      </Table.Td>
      <Table.Td>
        <When at={release.published} />
      </Table.Td>
    </Table.Tr>
  );
}

const HEADS = [
  'Version',
  'Current in',
  'World',
  'Size',
  'Imports',
  'Exports',
  'Digest',
  'Signed by',
  'Published',
];

export function ReleaseTable({ releases }: { releases: readonly ReleaseView[] }) {
  return (
    <Table.ScrollContainer minWidth={1040} type="native">
      <Table className={table['table'] ?? ''} verticalSpacing={9} horizontalSpacing="md">
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
          {releases.map((release) => (
            <ReleaseRow key={release.version} release={release} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

export function ReleaseCards({ releases }: { releases: readonly ReleaseView[] }) {
  return (
    <ul className={classes['cards']}>
      {releases.map((release) => (
        <li key={release.version} className={classes['card']} data-testid="release-row">
          <div className={classes['cardHead']}>
            <Link href={`/releases/${release.app}/${release.version}`} className={classes['version']}>
              {release.version}
            </Link>
            <CurrentIn channels={release.channels} />
            <span className={classes['cardWhen']}>
              <When at={release.published} />
            </span>
          </div>
          <Facts
            facts={[
              ['Component', `${release.world}, ${bytes(release.length)}, counter ${release.counter}`],
              ['Imports', <Packages key="imports" names={release.imports} />],
              ['Exports', <Packages key="exports" names={release.exports} />],
              ['Digest', <ShortHex key="digest" value={release.digest} label="digest" />],
              [
                'Signed by',
                release.signers.map((signer) => (
                  <ShortHex key={signer} value={signer} label="signer key id" />
                )),
              ],
            ]}
          />
        </li>
      ))}
    </ul>
  );
}
