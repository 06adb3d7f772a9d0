/** One device: its apps, its health over time, what its guests say, and what happened to it. */
import { Anchor, Stack } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { DeviceDetail } from '@wafer/protocol/api';
import { Link } from 'wouter';
import { RequestFailed } from '../api/client.ts';
import { useDevice } from '../api/queries.ts';
import { Empty, Loading, Ready } from '../elements/notice.tsx';
import { Section } from '../elements/section.tsx';
import { counted } from '../format/quantity.ts';
import { AppCard } from './app-card.tsx';
import { DeviceFacts, DeviceHeader } from './device-header.tsx';
import { HealthSection } from './health-section.tsx';
import { Logs } from './logs.tsx';
import { Messages } from './messages.tsx';
import { Timeline } from './timeline.tsx';
import classes from './device-page.module.css';

function Apps({ device }: { device: DeviceDetail }) {
  return (
    <Section
      title="Apps"
      flush
      aside={<span style={{ color: 'var(--wafer-muted)' }}>{counted(device.apps.length, 'app')}</span>}
    >
      {device.apps.length === 0 && (
        <Empty title="No app is meant for this device" icon="apps">
          {device.channels.length === 0
            ? 'The device is in no channel.'
            : `Publish a release to ${device.channels.join(' or ')}, and it arrives here.`}
        </Empty>
      )}
      {device.apps.map((app) => (
        <AppCard
          key={app.app}
          id={device.id}
          app={app}
          health={device.latest?.apps.find((each) => each.app === app.app)}
        />
      ))}
    </Section>
  );
}

function Device({ device }: { device: DeviceDetail }) {
  return (
    <>
      <DeviceHeader device={device} />
      <div className={classes['columns']}>
        <Stack gap="md" miw={0}>
          <Apps device={device} />
          <HealthSection id={device.id} enrolled={device.enrolled} />
          <Logs id={device.id} />
        </Stack>
        <Stack gap="md" miw={0}>
          <DeviceFacts device={device} />
          <Messages messages={device.messages} />
          <Timeline id={device.id} />
        </Stack>
      </div>
    </>
  );
}

export function DevicePage({ id }: { id: string }) {
  const device = useDevice(id);
  useDocumentTitle(`${device.data?.name ?? id} · Wafer`);
  if (device.data === undefined && device.error instanceof RequestFailed && device.error.status === 404)
    return (
      <Empty title="There is no such device" icon="unknown">
        <code>{id}</code> is not enrolled here, or no longer.{' '}
        <Anchor component={Link} href="/">
          Go to the fleet
        </Anchor>
      </Empty>
    );
  return (
    <Ready query={device} loading={<Loading rows={8} height={28} />}>
      {(data) => <Device device={data} />}
    </Ready>
  );
}
