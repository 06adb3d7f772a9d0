/** Makes a group, or changes one; a query is previewed while it is typed. */
import { Button, Group, Modal, SegmentedControl, Stack, TextInput } from '@mantine/core';
import type { GroupView } from '@wafer/protocol/groups';
import { useState, type ReactNode } from 'react';
import { useLocation } from 'wouter';
import { Failure } from '../elements/notice.tsx';
import { addressOf } from './address.ts';
import { Preview } from './preview.tsx';
import { useCreateGroup, useUpdateGroup } from './queries.ts';
import { QueryField, useReadable } from './query-field.tsx';

type Kind = GroupView['kind'];

const KINDS: { value: Kind; label: string }[] = [
  { value: 'dynamic', label: 'By query' },
  { value: 'static', label: 'A list of devices' },
];

interface FormProps {
  readonly kind: Kind;
  readonly start: { readonly description: string; readonly query: string };
  readonly action: string;
  readonly sending: { readonly isPending: boolean; readonly error: unknown };
  readonly onSend: (given: { description: string; query: string }) => void;
  readonly onClose: () => void;
  /** What stands above: kind and name of a new group. */
  readonly children?: ReactNode;
}

function Form({ kind, start, action, sending, onSend, onClose, children }: FormProps) {
  const [description, setDescription] = useState(start.description);
  const [text, setText] = useState(start.query);
  const { query, mistake, rested } = useReadable(text);
  const isReady = kind === 'static' || (query !== null && query === text.trim());
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady) onSend({ description: description.trim(), query: text.trim() });
      }}
    >
      <Stack gap="sm">
        {children}
        <TextInput
          label="Description"
          maxLength={200}
          value={description}
          onChange={({ currentTarget }) => setDescription(currentTarget.value)}
        />
        {kind === 'dynamic' && (
          <>
            <QueryField text={text} onText={setText} rested={rested} mistake={mistake} />
            <Preview query={query} />
          </>
        )}
        {sending.error !== null && <Failure error={sending.error} />}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={!isReady} loading={sending.isPending}>
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function NewGroup({ onClose }: { onClose: () => void }) {
  const create = useCreateGroup();
  const [, go] = useLocation();
  const [kind, setKind] = useState<Kind>('dynamic');
  const [name, setName] = useState('');
  return (
    <Form
      kind={kind}
      start={{ description: '', query: '' }}
      action="Make the group"
      sending={create}
      onClose={onClose}
      onSend={({ description, query }) =>
        create.mutate(
          kind === 'static'
            ? { kind, name: name.trim(), description }
            : { kind, name: name.trim(), description, query },
          { onSuccess: (made) => go(addressOf(made.name)) },
        )
      }
    >
      <SegmentedControl aria-label="Kind of group" fullWidth data={KINDS} value={kind} onChange={setKind} />
      <TextInput
        label="Name"
        required
        maxLength={100}
        data-autofocus
        value={name}
        onChange={({ currentTarget }) => setName(currentTarget.value)}
      />
    </Form>
  );
}

export function NewGroupDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="New group" size="lg">
      <NewGroup onClose={onClose} />
    </Modal>
  );
}

function Edit({ group, onClose }: { group: GroupView; onClose: () => void }) {
  // On what was seen when the dialog opened, whatever is read again behind it.
  const [seen] = useState(group);
  const update = useUpdateGroup(seen);
  return (
    <Form
      kind={seen.kind}
      start={{ description: seen.description, query: seen.kind === 'dynamic' ? seen.query : '' }}
      action="Save"
      sending={update}
      onClose={onClose}
      onSend={({ description, query }) =>
        update.mutate(seen.kind === 'dynamic' ? { description, query } : { description }, {
          onSuccess: onClose,
        })
      }
    />
  );
}

export function EditGroupDialog({
  group,
  opened,
  onClose,
}: {
  group: GroupView;
  opened: boolean;
  onClose: () => void;
}) {
  return (
    <Modal opened={opened} onClose={onClose} title={`Change ${group.name}`} size="lg">
      <Edit group={group} onClose={onClose} />
    </Modal>
  );
}
