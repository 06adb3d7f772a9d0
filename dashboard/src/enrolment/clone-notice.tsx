/** Boards that are one, as far as the server can tell: above every page in a line, on its own page in full. */
import { Button } from '@mantine/core';
import type { CloneView } from '@wafer/protocol/api';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useMayOperate, useMe } from '../api/queries.ts';
import { Banner } from '../elements/banner.tsx';
import { ShortHex } from '../elements/copy.tsx';
import { Facts } from '../elements/facts.tsx';
import { Icon } from '../elements/icons.tsx';
import { Section } from '../elements/section.tsx';
import { When } from '../elements/when.tsx';
import { cloneWarning, cloneWords } from './clones.ts';
import classes from './enrolment.module.css';
import { useClones } from './queries.ts';
import { RevokeDevice } from './revoke-dialogs.tsx';

type Device = CloneView['devices'][number];

export function CloneBanner() {
  const { data } = useClones(useMayOperate());
  const [path] = useLocation();
  const warning = cloneWarning(data?.items ?? []);
  if (warning === undefined || path === '/enrolment') return null;
  return (
    <Banner tone="bad" icon="bad" testId="clone-banner">
      {warning} <Link href="/enrolment">Look</Link>
    </Banner>
  );
}

function CloneDevice({ device, onRevoke }: { device: Device; onRevoke: (() => void) | undefined }) {
  return (
    <li className={classes['device']}>
      <span className={classes['who']}>
        {device.revoked ? device.name : <Link href={`/devices/${device.id}`}>{device.name}</Link>}{' '}
        <code>{device.id}</code>
        <span className={classes['sub']}>
          {device.revoked ? 'revoked' : device.online ? 'online' : 'offline'}
          {device.boardSerial !== null && `, board ${device.boardSerial}`}
        </span>
      </span>
      {onRevoke && !device.revoked && (
        <Button size="xs" variant="default" aria-label={`Revoke ${device.name}`} onClick={onRevoke}>
          Revoke…
        </Button>
      )}
    </li>
  );
}

const Session = ({ source, serial }: CloneView['sessions'][number]) => (
  <span className={classes['session']}>
    from {source}, certificate <ShortHex value={serial} label="serial number" />
  </span>
);

function Clone({ clone, onRevoke }: { clone: CloneView; onRevoke: ((device: Device) => void) | undefined }) {
  const { title, meaning, toDo } = cloneWords(clone);
  const [earlier, later] = clone.sessions;
  return (
    <li className={classes['clone']} data-testid="clone">
      <p className={classes['title']} data-tone="bad">
        <Icon name="bad" />
        <span>{title}</span>
      </p>
      <p>{meaning}</p>
      <p>{toDo}</p>
      <Facts
        facts={[
          ['Noticed', <When key="last" at={clone.last} />],
          clone.first !== clone.last && ['First', <When key="first" at={clone.first} />],
          earlier !== undefined && ['Earlier', <Session key="earlier" {...earlier} />],
          later !== undefined && ['Later', <Session key="later" {...later} />],
        ]}
      />
      <ul className={classes['devices']}>
        {clone.devices.map((device) => (
          <CloneDevice key={device.id} device={device} onRevoke={onRevoke && (() => onRevoke(device))} />
        ))}
      </ul>
      {onRevoke === undefined && <p className={classes['sub']}>An admin can revoke a device.</p>}
    </li>
  );
}

export function Clones() {
  const clones = useClones(useMayOperate()).data?.items ?? [];
  const isAdmin = useMe().data?.role === 'admin';
  const [leaving, setLeaving] = useState<Device | null>(null);
  return (
    <>
      {clones.length > 0 && (
        <Section title="Boards that may be copies" flush>
          <ul className={classes['list']}>
            {clones.map((clone) => (
              <Clone
                key={clone.devices.map(({ id }) => id).join()}
                clone={clone}
                onRevoke={isAdmin ? setLeaving : undefined}
              />
            ))}
          </ul>
        </Section>
      )}
      {leaving && <RevokeDevice device={leaving} onClose={() => setLeaving(null)} />}
    </>
  );
}
