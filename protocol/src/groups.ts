/**
 * Groups over HTTP, under /groups. A static group is a list of devices, and a device is in at most one; a
 * dynamic one is a saved query (query/query.ts), and whoever fits is in it. Both share one namespace.
 */
import { z } from 'zod';
import { DeviceId, GroupName, Timestamp } from './ids.ts';
import { page, PageQuery } from './page.ts';
import { QueryText } from './query/query.ts';

const Description = z.string().trim().max(200);

/** POST /groups. */
export const CreateGroup = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('static'), name: GroupName, description: Description.default('') }),
  z.strictObject({
    kind: z.literal('dynamic'),
    name: GroupName,
    query: QueryText,
    description: Description.default(''),
  }),
]);
export type CreateGroup = z.infer<typeof CreateGroup>;

/** PATCH /groups/:name. What is absent stays; only a dynamic group has a query. */
export const UpdateGroup = z.strictObject({
  query: QueryText.optional(),
  description: Description.optional(),
});
export type UpdateGroup = z.infer<typeof UpdateGroup>;

const Common = z.object({
  name: z.string(),
  description: z.string(),
  /** Members now. */
  devices: z.number().int(),
  created: Timestamp,
  createdBy: z.string(),
  updated: Timestamp,
  /** For If-Match; grows with what operators change, not with who comes and goes by itself. */
  revision: z.number().int(),
});
export const GroupView = z.discriminatedUnion('kind', [
  Common.extend({ kind: z.literal('static') }),
  Common.extend({ kind: z.literal('dynamic'), query: z.string() }),
]);
export type GroupView = z.infer<typeof GroupView>;
/** By name. */
export const GroupList = page(GroupView);
/** GET /groups; with `device`, those that it is in. */
export const GroupListQuery = PageQuery.extend({ device: DeviceId.optional() });

export const GroupMember = z.object({
  id: DeviceId,
  name: z.string(),
  arch: z.string(),
  online: z.boolean(),
  lastSeen: Timestamp.nullable(),
});
export type GroupMember = z.infer<typeof GroupMember>;
/** GET /groups/:name/devices; by id. */
export const GroupMemberList = page(GroupMember);

/** POST /groups/preview. */
export const PreviewGroup = z.strictObject({ query: QueryText });
export const GroupPreview = z.object({
  devices: z.number().int(),
  /** By architecture. */
  architectures: z.record(z.string(), z.number().int()),
  /** By id, at most 20. */
  first: z.array(GroupMember),
});
export type GroupPreview = z.infer<typeof GroupPreview>;

const Devices = z.array(DeviceId).max(10_000);

/** POST /groups/:name/devices: all of it or nothing. Who is added leaves the static group that it was in. */
export const ChangeMembers = z
  .strictObject({ add: Devices.default([]), remove: Devices.default([]) })
  .refine(({ add, remove }) => add.length + remove.length > 0, 'name devices to add or to remove')
  .refine(({ add, remove }) => {
    const added = new Set(add);
    return !remove.some((id) => added.has(id));
  }, 'a device is in both lists');
export type ChangeMembers = z.infer<typeof ChangeMembers>;
/** Those that were not in it before, or were. */
export const ChangedMembers = z.object({ added: z.number().int(), removed: z.number().int() });
export type ChangedMembers = z.infer<typeof ChangedMembers>;
