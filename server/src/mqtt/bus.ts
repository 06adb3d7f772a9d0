/**
 * The port between the server and whatever broker runs: publish, receive, presence. `embedded.ts`
 * implements it on aedes; nothing else knows which broker it is.
 *
 * A handler's promise settles before the broker acknowledges nothing: a PUBACK is no receipt, only
 * the `ack` message is (design: topics). Handlers may therefore fail; the device sends again.
 */
import type { DeviceId, UpTopic } from '@wafer/protocol';

export interface Incoming {
  readonly device: DeviceId;
  readonly topic: UpTopic;
  readonly payload: Buffer;
}

export type UpKind = UpTopic['kind'];

/** Two live connections under one certificate name; serials in hexadecimal, remote addresses. */
export interface DoubledSession {
  readonly earlier: { readonly source: string; readonly serial: string };
  readonly later: { readonly source: string; readonly serial: string };
}

export interface Bus {
  /** Resolves when the broker has taken the message, which is not when a device has it. */
  publish(topic: string, payload: Buffer | string, options: { qos: 0 | 1 }): Promise<void>;
  /** One handler for each kind. A rejected promise is logged and counted, never thrown. */
  onMessage(kind: UpKind, handler: (message: Incoming) => Promise<void>): void;
  /** Called on connect, on disconnect and on the will. */
  onPresence(handler: (device: DeviceId, online: boolean) => Promise<void>): void;
  /** Called when a session takes the place of one that is provably alive. */
  onDoubled(handler: (device: DeviceId, sessions: DoubledSession) => Promise<void>): void;
  /** Cuts a live session at once; for revocation. */
  disconnect(device: DeviceId): Promise<void>;
  /** Devices with a live session on this server. */
  online(): readonly DeviceId[];
  close(): Promise<void>;
}
