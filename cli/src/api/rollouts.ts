/** The calls about rollouts. */
import {
  type CreateRollout,
  type DeviceVerdict,
  DeviceVerdictList,
  type RolloutAction,
  RolloutDeviceList,
  RolloutList,
  type RolloutOrder,
  RolloutPreview,
  RolloutView,
  WaferError,
} from '@wafer/protocol';
import type { z } from 'zod';
import type { Calls } from './calls.ts';
import { everyPage } from './pages.ts';

/** `name=value` pairs that are given, behind what a page asks for. */
type Filter = Readonly<Record<string, string>>;

const filtered = (query: string, filter: Filter): string => {
  const more = new URLSearchParams(filter).toString();
  return more === '' ? query : `${query}&${more}`;
};

export type RolloutDevice = z.infer<typeof RolloutDeviceList>['items'][number];

const oneOf = (id: string): string => `/rollouts/${encodeURIComponent(id)}`;

export const rolloutCalls = ({ get, ask, send }: Calls) => ({
  /** Newest first. */
  rollouts: (filter: Filter = {}) =>
    everyPage<RolloutView>((query) => get(RolloutList, `/rollouts${filtered(query, filter)}`)),
  rollout: (id: string) => get(RolloutView, oneOf(id)),
  /** By the number that people see. Throws rollout.not-found. */
  rolloutNumbered: async (number: number): Promise<RolloutView> => {
    let next: string | undefined;
    do {
      const cursor: Filter = next === undefined ? {} : { cursor: next };
      const page: z.infer<typeof RolloutList> = await get(
        RolloutList,
        `/rollouts${filtered('?limit=50', cursor)}`,
      );
      const found = page.items.find((rollout) => rollout.number === number);
      if (found !== undefined) return found;
      next = page.items.some((rollout) => rollout.number < number) ? undefined : page.next;
    } while (next !== undefined);
    throw new WaferError('rollout.not-found', `There is no rollout ${number}.`);
  },
  rolloutDevices: (id: string, filter: Filter) =>
    everyPage<RolloutDevice>((query) =>
      get(RolloutDeviceList, `${oneOf(id)}/devices${filtered(query, filter)}`),
    ),
  previewRollout: (spec: z.input<typeof CreateRollout>) => ask(RolloutPreview, '/rollouts/preview', spec),
  /** Every device with its verdict. */
  previewDevices: (spec: z.input<typeof CreateRollout>, filter: Filter) =>
    everyPage<DeviceVerdict>((query) =>
      ask(DeviceVerdictList, `/rollouts/preview/devices${filtered(query, filter)}`, spec),
    ),
  createRollout: (spec: z.input<typeof CreateRollout>) => send(RolloutView, 'POST', '/rollouts', spec),
  orderRollout: (id: string, action: RolloutAction, order: z.input<typeof RolloutOrder>) =>
    send(RolloutView, 'POST', `${oneOf(id)}/${action}`, order),
});
