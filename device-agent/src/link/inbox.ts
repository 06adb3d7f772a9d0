/**
 * What comes down, by its topic. The server may be stolen and the broker may be anyone's: each
 * message is parsed here, what does not fit is dropped and counted, and nothing here throws.
 */
import { Ack, Command, deviceTopic, type AppName, type DeviceId, type DownLeaf } from '@wafer/protocol';
import type { z } from 'zod';
import type { Runtime } from '../apps/runtime.ts';
import type { Log } from '../log.ts';
import { asFault } from '../state/failing.ts';
import { parseGuestTopic } from './guests.ts';
import type { Requests } from './requests.ts';

export interface InboxOptions {
  readonly device: DeviceId;
  /** False when the payload is no desired state. */
  readonly onDesired: (payload: Buffer) => boolean;
  readonly onAck: (ack: Ack) => void;
  readonly onRestart: (app: AppName) => void;
  readonly onReportHealth: () => void;
  readonly requests: Pick<Requests, 'receive'>;
  readonly runtime: Pick<Runtime, 'deliver'>;
  readonly log: Log;
}

export interface Inbox {
  (topic: string, payload: Buffer): void;
  /** Messages that did not fit, by leaf. */
  readonly dropped: ReadonlyMap<string, number>;
}

export function createInbox(options: InboxOptions): Inbox {
  const { device, requests, runtime, log } = options;
  const dropped = new Map<string, number>();

  const drop = (leaf: string, payload: Buffer): void => {
    const count = (dropped.get(leaf) ?? 0) + 1;
    dropped.set(leaf, count);
    // The first of each, then ever fewer: a flood must not fill the log.
    if (Number.isInteger(Math.log2(count))) log('warn', 'dropped', { leaf, bytes: payload.length, count });
  };

  const handlers: { readonly [K in DownLeaf]: (payload: Buffer) => boolean } = {
    desired: (payload) => options.onDesired(payload),
    response: (payload) => requests.receive(payload),
    ack: (payload) => withJson(payload, Ack, options.onAck),
    command: (payload) =>
      withJson(payload, Command, (command) => {
        switch (command.command) {
          case 'restart-app':
            options.onRestart(command.app);
            return;
          case 'report-health':
            options.onReportHealth();
        }
      }),
  };
  const byTopic = new Map(
    (Object.keys(handlers) as DownLeaf[]).map((leaf) => [deviceTopic(device, leaf), leaf]),
  );

  const inbox = (topic: string, payload: Buffer): void => {
    const leaf = byTopic.get(topic);
    if (leaf !== undefined) {
      if (!handlers[leaf](payload)) drop(leaf, payload);
      return;
    }
    const guest = parseGuestTopic(device, topic);
    if (guest === undefined) {
      // Announcements say that a channel moved; the order itself follows for each device.
      if (!topic.endsWith('/announce')) drop('other', payload);
      return;
    }
    runtime.deliver(guest.app, guest.topic, payload).catch((error: unknown) => {
      const fault = asFault(error, 'trap');
      // A flood is told by the runtime, which counts it.
      const isTold = fault.kind === 'queue-limit' || fault.kind === 'capability-denied';
      if (!isTold) log('warn', 'a message was not delivered', { app: guest.app, fault });
    });
  };
  return Object.assign(inbox, { dropped });
}

function withJson<T>(payload: Buffer, schema: z.ZodType<T>, then: (value: T) => void): boolean {
  let json: unknown;
  try {
    json = JSON.parse(payload.toString('utf8'));
  } catch {
    return false;
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) then(parsed.data);
  return parsed.success;
}
