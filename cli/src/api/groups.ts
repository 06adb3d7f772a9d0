/** The calls about groups. */
import {
  ChangedMembers,
  type ChangeMembers,
  type CreateGroup,
  GroupList,
  type GroupMember,
  GroupMemberList,
  GroupPreview,
  GroupView,
  type UpdateGroup,
} from '@wafer/protocol';
import { z } from 'zod';
import type { Calls } from './calls.ts';
import { everyPage, someOf } from './pages.ts';

const groupAt = (name: string): string => `/groups/${encodeURIComponent(name)}`;

export const groupCalls = ({ get, ask, send, call }: Calls) => ({
  groups: (device: string | undefined) =>
    everyPage<GroupView>((query) =>
      get(GroupList, `/groups${query}${device === undefined ? '' : `&device=${device}`}`),
    ),
  group: (name: string) => get(GroupView, groupAt(name)),
  /** By id, at most `most`. */
  groupMembers: (name: string, most: number) =>
    someOf<GroupMember>(most, (page) =>
      get(GroupMemberList, `${groupAt(name)}/devices?${new URLSearchParams(page).toString()}`),
    ),
  previewGroup: (query: string) => ask(GroupPreview, '/groups/preview', { query }),
  createGroup: (group: z.input<typeof CreateGroup>) => send(GroupView, 'POST', '/groups', group),
  updateGroup: (name: string, change: z.input<typeof UpdateGroup>) =>
    send(GroupView, 'PATCH', groupAt(name), change),
  deleteGroup: (name: string) => call(z.undefined(), { method: 'DELETE', path: groupAt(name) }),
  changeGroupMembers: (name: string, change: z.input<typeof ChangeMembers>) =>
    send(ChangedMembers, 'POST', `${groupAt(name)}/devices`, change),
});
