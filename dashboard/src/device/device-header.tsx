/** Which device this is and how it does. */
import { Anchor, Breadcrumbs, Title } from '@mantine/core';
import type { DeviceDetail } from '@wafer/protocol/api';
import { Link } from 'wouter';
import { CopyValue } from '../elements/copy.tsx';
import { Facts } from '../elements/facts.tsx';
import { Section } from '../elements/section.tsx';
import { Pill, Status } from '../elements/status.tsx';
import { HEALTH_LOOK } from '../elements/tone.ts';
import { When } from '../elements/when.tsx';
import { ChannelPills, linkLook } from '../fleet/device-table.tsx';
import { GroupLinks } from '../groups/group-links.tsx';
import { bytes, counted } from '../format/quantity.ts';
import { dayOf, span } from '../format/time.ts';
import { SelfTestFact } from './self-test.tsx';
import classes from './device-header.module.css';

export function DeviceHeader({ device }: { device: DeviceDetail }) {
  return (
    <header className={classes['header']}>
      <Breadcrumbs separator="/" separatorMargin={6} className={classes['crumbs'] ?? ''}>
        <Anchor component={Link} href="/" size="sm">
          Fleet
        </Anchor>
        <span>Device</span>
      </Breadcrumbs>
      <div className={classes['line']}>
        <Title order={1}>{device.name}</Title>
        <Status look={HEALTH_LOOK[device.health]} testId="device-health" />
        {device.health !== 'offline' && <Status look={linkLook(device)} testId="device-link" />}
        <span className={classes['muted']}>
          {device.lastSeen === null ? (
            'never seen'
          ) : (
            <>
              last seen <When at={device.lastSeen} />
            </>
          )}
        </span>
      </div>
    </header>
  );
}

export function DeviceFacts({ device }: { device: DeviceDetail }) {
  const { inventory, latest } = device;
  const tags = Object.entries(device.tags);
  return (
    <Section title="Device">
      <Facts
        facts={[
          [
            'Id',
            <span key="id" className={classes['id']}>
              <code>{device.id}</code>
              <CopyValue value={device.id} label="device id" />
            </span>,
          ],
          ['Channels', <ChannelPills key="channels" channels={device.channels} />],
          ['Groups', <GroupLinks key="groups" device={device} />],
          tags.length > 0 && [
            'Tags',
            <span key="tags" className={classes['pills']}>
              {tags.map(([name, value]) => (
                <Pill key={name}>
                  {name}={value}
                </Pill>
              ))}
            </span>,
          ],
          inventory && ['Board', inventory.board],
          ['Architecture', device.arch],
          inventory && [
            'Hardware',
            `${counted(inventory.cores, 'core')}, ${bytes(inventory.memoryBytes)} memory`,
          ],
          inventory && ['System', inventory.os],
          inventory && ['Host name', inventory.hostname],
          inventory && ['Agent', `${inventory.agent} on Node ${inventory.node.replace(/^v/, '')}`],
          inventory && ['Self-test', <SelfTestFact key="self-test" selfTest={device.selfTest} />],
          latest && ['Uptime', span(latest.uptimeSeconds)],
          latest?.writtenBytes !== undefined && [
            'Written',
            `${bytes(latest.writtenBytes)} to its storage since the agent started`,
          ],
          ['Enrolled', dayOf(Date.parse(device.enrolled))],
          ['Desired state', `version ${device.desiredVersion}`],
        ]}
      />
    </Section>
  );
}
