/** Who may do what here, and where they are signed in. For admins. */
import { Button, Group, Modal, Select, Stack, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { Role, type PersonView, type SessionView } from '@wafer/protocol/api';
import { useState } from 'react';
import { Confirm } from '../elements/confirm.tsx';
import { Empty, Failure, Loading, Ready } from '../elements/notice.tsx';
import { Section } from '../elements/section.tsx';
import { When } from '../elements/when.tsx';
import { counted } from '../format/quantity.ts';
import { InvitationLink, InviteDialog } from './invite-dialog.tsx';
import classes from './people.module.css';
import {
  useChangeRole,
  useEndSession,
  useInviteAgain,
  usePeople,
  useRemovePerson,
  useSessions,
} from './queries.ts';
import { Tokens } from './tokens.tsx';

function Removal({ person, onClose }: { person: PersonView; onClose: () => void }) {
  const remove = useRemovePerson();
  return (
    <Confirm
      title={`Remove ${person.name}?`}
      action="Remove"
      sending={remove}
      onConfirm={() => remove.mutate(person.id, { onSuccess: onClose })}
      onClose={onClose}
    >
      {person.name} is signed out everywhere at once, and links that were not used stop working. What{' '}
      {person.name} did stays in the audit. The API tokens that {person.name} made are deleted: scripts that
      use them stop.
    </Confirm>
  );
}

function Person({ person, onRemove }: { person: PersonView; onRemove: () => void }) {
  const change = useChangeRole();
  const again = useInviteAgain();
  return (
    <li className={classes['row']} data-testid="person">
      <div className={classes['who']}>
        <span className={classes['name']}>{person.name}</span>
        <span className={classes['sub']}>{person.email}</span>
      </div>
      <span className={classes['sub']}>
        {counted(person.sessions, 'open session')}, since <When at={person.created} />
      </span>
      <Select
        size="xs"
        w={120}
        aria-label={`Role of ${person.name}`}
        data={[...Role.options]}
        value={person.role}
        allowDeselect={false}
        disabled={change.isPending}
        onChange={(role) => role !== null && change.mutate({ id: person.id, role })}
      />
      <Group gap="xs" wrap="nowrap">
        <Button variant="default" size="xs" loading={again.isPending} onClick={() => again.mutate(person.id)}>
          New link
        </Button>
        <Button variant="default" size="xs" onClick={onRemove}>
          Remove…
        </Button>
      </Group>
      {change.error && (
        <div className={classes['wide']}>
          <Failure error={change.error} />
        </div>
      )}
      <Modal
        opened={again.data !== undefined}
        onClose={again.reset}
        title={`A link for ${person.name}`}
        centered
      >
        {again.data && <InvitationLink invited={again.data} />}
      </Modal>
    </li>
  );
}

function Session({ session }: { session: SessionView }) {
  const end = useEndSession();
  return (
    <li className={classes['row']} data-testid="session">
      <div className={classes['who']}>
        <span className={classes['name']}>{session.name}</span>
        <span className={classes['browser']} title={session.userAgent ?? undefined}>
          {session.userAgent || 'no browser named'}
        </span>
      </div>
      <span className={classes['sub']}>{session.source ?? 'unknown address'}</span>
      <span className={classes['sub']}>
        begun <When at={session.created} />
      </span>
      <Button variant="default" size="xs" loading={end.isPending} onClick={() => end.mutate(session.id)}>
        End
      </Button>
    </li>
  );
}

export function PeoplePage() {
  useDocumentTitle('People · Wafer');
  const people = usePeople();
  const sessions = useSessions();
  const [isInviting, setInviting] = useState(false);
  const [leaving, setLeaving] = useState<PersonView | null>(null);
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Title order={1}>People</Title>
        <Button size="xs" onClick={() => setInviting(true)}>
          Invite…
        </Button>
      </Group>
      <Section title="Who may sign in" flush>
        <Ready query={people} loading={<Loading rows={3} height={28} />}>
          {({ items }) => (
            <ul className={classes['list']}>
              {items.map((person) => (
                <Person key={person.id} person={person} onRemove={() => setLeaving(person)} />
              ))}
            </ul>
          )}
        </Ready>
      </Section>
      <Section title="Open sessions" flush>
        <Ready query={sessions} loading={<Loading rows={3} height={28} />}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="Nobody is signed in" />
            ) : (
              <ul className={classes['list']}>
                {items.map((session) => (
                  <Session key={session.id} session={session} />
                ))}
              </ul>
            )
          }
        </Ready>
      </Section>
      <Tokens />
      <InviteDialog opened={isInviting} onClose={() => setInviting(false)} />
      {leaving && <Removal person={leaving} onClose={() => setLeaving(null)} />}
    </Stack>
  );
}
