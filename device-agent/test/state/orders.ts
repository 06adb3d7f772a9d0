/** Builders for orders. */
import { randomUUID } from 'node:crypto';
import { ChannelName, DesiredApp, DeviceId } from '@wafer/protocol';
import type { Published } from '../trust/repository.ts';

export const DEVICE = DeviceId.parse('d-abcdefghijklmnop');
export const OTHER_DEVICE = DeviceId.parse('d-ponmlkjihgfedcba');

export function orderFor(
  { target, custom }: Pick<Published, 'target' | 'custom'>,
  changes: Partial<Record<keyof DesiredApp, unknown>> = {},
): DesiredApp {
  return DesiredApp.parse({
    app: custom.app,
    execution: randomUUID(),
    channel: ChannelName.parse('stable'),
    version: custom.version,
    target,
    counter: custom.counter,
    grants: {},
    limits: {},
    triggers: {},
    health: { soakMs: 1000, probeEveryMs: 100 },
    ...changes,
  });
}
