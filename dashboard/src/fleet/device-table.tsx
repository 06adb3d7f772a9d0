/** The fleet as rows; on narrow screens as cards. */
import { Table, UnstyledButton } from '@mantine/core';
import type { DeviceSummary } from '@wafer/protocol/api';
import type { MouseEvent } from 'react';
import { Link, useLocation } from 'wouter';
import { AppChips } from '../apps/app-chip.tsx';
import { Icon } from '../elements/icons.tsx';
import { Pill, Status } from '../elements/status.tsx';
import { HEALTH_LOOK, type Look } from '../elements/tone.ts';
import { When } from '../elements/when.tsx';
import type { Sort } from './filter.ts';
import table from '../elements/table.module.css';
import classes from './device-table.module.css';

const ONLINE: Look = { tone: 'ok', icon: 'online', word: 'Online' };
const OFFLINE: Look = { tone: 'idle', icon: 'offline', word: 'Offline' };
export const linkLook = ({ online }: { online: boolean }): Look => (online ? ONLINE : OFFLINE);

function Name({ device }: { device: DeviceSummary }) {
  const tags = Object.entries(device.tags);
  return (
    <>
      <Link href={`/devices/${device.id}`} className={classes['name']}>
        {device.name}
      </Link>
      {(device.group !== null || tags.length > 0) && (
        <span className={classes['tags']}>
          {device.group !== null && <span>{device.group}</span>}
          {tags.map(([name, value]) => (
            <span key={name}>
              {name}={value}
            </span>
          ))}
        </span>
      )}
    </>
  );
}

export const ChannelPills = ({ channels }: { channels: readonly string[] }) => (
  <span className={classes['pills']}>
    {channels.length === 0 ? <span className={classes['muted']}>no channel</span> : null}
    {channels.map((channel) => (
      <Pill key={channel}>{channel}</Pill>
    ))}
  </span>
);

const Seen = ({ device }: { device: DeviceSummary }) =>
  device.lastSeen === null ? <span className={classes['muted']}>never</span> : <When at={device.lastSeen} />;

function Row({ device }: { device: DeviceSummary }) {
  const [, go] = useLocation();
  // the whole row is a larger target for the pointer; the name is the link for everyone else
  const open = ({ target }: MouseEvent) => {
    const isText = (window.getSelection()?.toString() ?? '') !== '';
    if (!isText && !(target instanceof Element && target.closest('a, button'))) go(`/devices/${device.id}`);
  };
  return (
    <Table.Tr data-testid="device-row" onClick={open} className={classes['row']}>
      <Table.Th scope="row" className={classes['device']}>
        <Name device={device} />
      </Table.Th>
      <Table.Td>
        <Status look={HEALTH_LOOK[device.health]} />
      </Table.Td>
      <Table.Td>
        <Status look={linkLook(device)} />
      </Table.Td>
      <Table.Td>{device.arch}</Table.Td>
      <Table.Td>
        <AppChips apps={device.apps} />
      </Table.Td>
      <Table.Td>
        <ChannelPills channels={device.channels} />
      </Table.Td>
      <Table.Td className={classes['seen']}>
        <Seen device={device} />
      </Table.Td>
    </Table.Tr>
  );
}

interface Sorting {
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
}

function SortHead({ by, label, sort, onSort }: Sorting & { by: Sort; label: string }) {
  const isOn = sort === by;
  const direction = by === 'seen' ? 'descending' : 'ascending';
  return (
    <Table.Th scope="col" aria-sort={isOn ? direction : 'none'}>
      <UnstyledButton className={classes['sort']} onClick={() => onSort(by)}>
        {label}
        <Icon
          name={by === 'seen' ? 'down' : 'up'}
          size={11}
          style={{ visibility: isOn ? 'visible' : 'hidden' }}
        />
      </UnstyledButton>
    </Table.Th>
  );
}

export function DeviceTable({ devices, ...sorting }: Sorting & { devices: readonly DeviceSummary[] }) {
  return (
    <Table.ScrollContainer minWidth={920} type="native">
      <Table className={table['middle'] ?? ''} verticalSpacing={7} horizontalSpacing="md">
        <Table.Thead>
          <Table.Tr>
            <SortHead by="name" label="Device" {...sorting} />
            <SortHead by="health" label="Health" {...sorting} />
            <Table.Th scope="col">Connection</Table.Th>
            <Table.Th scope="col">Architecture</Table.Th>
            <Table.Th scope="col">Apps</Table.Th>
            <Table.Th scope="col">Channels</Table.Th>
            <SortHead by="seen" label="Last seen" {...sorting} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {devices.map((device) => (
            <Row key={device.id} device={device} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

export function DeviceCards({ devices }: { devices: readonly DeviceSummary[] }) {
  return (
    <ul className={classes['cards']}>
      {devices.map((device) => (
        <li key={device.id} className={classes['card']} data-testid="device-row">
          <div className={classes['cardLine']}>
            <span className={classes['device']}>
              <Name device={device} />
            </span>
            <Status look={HEALTH_LOOK[device.health]} />
          </div>
          <AppChips apps={device.apps} />
          <div className={classes['cardLine']}>
            <ChannelPills channels={device.channels} />
            <span className={classes['seen']}>
              {device.arch} · {device.online ? 'online' : 'offline'} · <Seen device={device} />
            </span>
          </div>
        </li>
      ))}
    </ul>
  );
}
