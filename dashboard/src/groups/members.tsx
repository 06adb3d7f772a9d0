/** Who is in a group; a static one is changed here. */
import { Button, Modal, MultiSelect, Stack } from '@mantine/core';
import type { GroupView } from '@wafer/protocol/groups';
import { useMemo, useState } from 'react';
import { useFleet, useMayOperate } from '../api/queries.ts';
import { DialogForm } from '../elements/dialog-form.tsx';
import { Empty, Failure, Loading, Ready } from '../elements/notice.tsx';
import { Section } from '../elements/section.tsx';
import { MemberList } from './member-list.tsx';
import { useChangeMembers, useMembers } from './queries.ts';

/** Rows that the list of a search field draws. */
const OFFERED = 50;

function AddForm({ name, onClose }: { name: string; onClose: () => void }) {
  const change = useChangeMembers(name);
  const fleet = useFleet();
  const [chosen, setChosen] = useState<string[]>([]);
  const offers = useMemo(
    () =>
      fleet.data?.pages
        .flatMap(({ items }) => items)
        .filter(({ group }) => group !== name)
        .map(({ id, name: called, group }) => ({
          value: id,
          label: group === null ? `${called} (${id})` : `${called} (${id}), now in ${group}`,
        })) ?? [],
    [fleet.data, name],
  );
  return (
    <DialogForm
      action="Add"
      sending={change}
      onSend={() => chosen.length > 0 && change.mutate({ add: chosen }, { onSuccess: onClose })}
      onClose={onClose}
      outcome={null}
    >
      <MultiSelect
        label="Devices"
        description="A device is in one static group at most: it leaves the one that it is in"
        searchable
        required
        data-autofocus
        limit={OFFERED}
        nothingFoundMessage="No device fits"
        data={offers}
        value={chosen}
        onChange={setChosen}
      />
    </DialogForm>
  );
}

function Remove({ name, id }: { name: string; id: string }) {
  const change = useChangeMembers(name);
  return (
    <>
      <Button
        variant="default"
        size="xs"
        loading={change.isPending}
        onClick={() => change.mutate({ remove: [id] })}
      >
        Remove
      </Button>
      {change.error && <Failure error={change.error} />}
    </>
  );
}

export function Members({ group }: { group: GroupView }) {
  const members = useMembers(group.name);
  const [isAdding, setAdding] = useState(false);
  const isChangeable = useMayOperate() && group.kind === 'static';
  const all = members.data?.pages.flatMap(({ items }) => items);
  return (
    <Section
      title="Devices"
      flush
      aside={
        isChangeable && (
          <Button variant="default" size="xs" onClick={() => setAdding(true)}>
            Add devices…
          </Button>
        )
      }
    >
      <Ready query={{ ...members, data: all }} loading={<Loading rows={4} height={28} />}>
        {(items) =>
          items.length === 0 ? (
            <Empty title="Nobody is in this group" icon="group">
              {group.kind === 'dynamic'
                ? 'No device fits the query now.'
                : 'Add devices, or enrol some into it.'}
            </Empty>
          ) : (
            <Stack gap={0} align="flex-start">
              <MemberList
                members={items}
                {...(isChangeable && { action: ({ id }) => <Remove name={group.name} id={id} /> })}
              />
              {members.hasNextPage && (
                <Button
                  variant="subtle"
                  size="xs"
                  m={10}
                  loading={members.isFetchingNextPage}
                  onClick={() => void members.fetchNextPage()}
                >
                  Load more devices
                </Button>
              )}
            </Stack>
          )
        }
      </Ready>
      <Modal
        opened={isAdding}
        onClose={() => setAdding(false)}
        title={`Add devices to ${group.name}`}
        size="lg"
      >
        <AddForm name={group.name} onClose={() => setAdding(false)} />
      </Modal>
    </Section>
  );
}
