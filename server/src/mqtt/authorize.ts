/**
 * What a session may do, decided from the one table in the protocol (topics.ts). Pure: the broker's
 * hooks in embedded.ts ask here on publish, on a will, on subscribe and on every delivery. The last
 * matters because a broker may restore a subscription that was never authorised.
 */
import { MAX_PAYLOAD_BYTES, mayPublish, mayReceive, maySubscribe, type Access } from '@wafer/protocol';

export interface Publication {
  readonly topic: string;
  readonly qos?: number | undefined;
  readonly payload: Buffer | string;
}

/**
 * `accept`; `drop` for what is too big, because a closed connection would only make the device send
 * it again; or the reason for which the connection is closed, the only refusal that MQTT 3.1.1 has
 * (clause 3.3.5).
 */
export type PublishVerdict = 'accept' | 'drop' | 'topic-forbidden' | 'qos-2';

export function judgePublish(access: Access, { topic, qos = 0, payload }: Publication): PublishVerdict {
  if (!mayPublish(access, topic)) return 'topic-forbidden';
  // Every QoS 2 message leaves state behind until the publisher releases it; nobody needs it here.
  if (qos > 1) return 'qos-2';
  return Buffer.byteLength(payload) > MAX_PAYLOAD_BYTES ? 'drop' : 'accept';
}

/** A will is judged when it is announced, and once more when it is published. */
export const isWillAllowed = (access: Access, will: Publication): boolean =>
  judgePublish(access, will) === 'accept';

export const isSubscriptionAllowed = (access: Access, filter: string): boolean =>
  maySubscribe(access, filter);

export const isDeliveryAllowed = (access: Access, topic: string): boolean => mayReceive(access, topic);
