/**
 * What an isolate, the main thread and the thread of the board's hardware say to each other. A guest's line
 * is known to that thread to be of one app and of certain grants: nothing in a message can name another's.
 *
 * An isolate asks one thing at a time and sleeps until it is answered; what it watches for is told in between.
 */
import type { MessagePort } from 'node:worker_threads';
import type { AppName, GpioGrant, I2cGrant, SensorGrant, SerialGrant } from '@wafer/protocol';
import type { LineConfig } from './gpio.ts';
import type { Reading } from './sensors.ts';

/** What the kernel takes of an I²C transaction: operations, and bytes in one of them. */
export const MAX_OPERATIONS = 42;
export const MAX_OPERATION_BYTES = 8192;

export type Operation =
  { readonly do: 'read'; readonly length: number } | { readonly do: 'write'; readonly bytes: Uint8Array };

/** The part of an app's grants that this is about; parsed, and each of its lists there. */
export interface HardwareGrants {
  readonly gpio: readonly GpioGrant[];
  readonly i2c: readonly I2cGrant[];
  readonly serial: readonly SerialGrant[];
  readonly sensors: readonly SensorGrant[];
}

export interface LineAt {
  readonly chip: number;
  readonly line: number;
}

/** What makes a pollable ready: an edge, or a state that is or comes. */
export type Awaited = 'rising' | 'falling' | 'active' | 'inactive';

export type Request =
  | {
      readonly ask: 'take';
      readonly at: LineAt;
      readonly config: LineConfig;
      readonly isActive: boolean | undefined;
    }
  | { readonly ask: 'get'; readonly at: LineAt; readonly config: LineConfig }
  | { readonly ask: 'set'; readonly at: LineAt; readonly config: LineConfig; readonly isActive: boolean }
  | { readonly ask: 'watch'; readonly at: LineAt; readonly config: LineConfig; readonly on: Awaited }
  | {
      readonly ask: 'transact';
      readonly bus: number;
      readonly address: number;
      readonly operations: readonly Operation[];
    }
  | { readonly ask: 'serial-open'; readonly device: string }
  | { readonly ask: 'serial-read'; readonly device: string; readonly max: number }
  /** Tells when there is something to read. */
  | { readonly ask: 'serial-watch'; readonly device: string }
  | { readonly ask: 'serial-write'; readonly device: string; readonly bytes: Uint8Array }
  | { readonly ask: 'sense'; readonly kind: SensorGrant['kind']; readonly device: string }
  | { readonly ask: 'unwatch'; readonly watch: number }
  /** Takes the lines whose edges are to come as messages, so that none is missed from now on. */
  | { readonly ask: 'forward' };

export interface Absent {
  readonly subject: string;
  readonly message: string;
}

export type Reply =
  | { readonly status: 'done' }
  | { readonly status: 'state'; readonly isActive: boolean }
  | { readonly status: 'watching'; readonly watch: number; readonly isReady: boolean }
  | { readonly status: 'read'; readonly bytes: readonly Uint8Array[] }
  | { readonly status: 'sensed'; readonly readings: readonly Reading[] }
  /** Of what was granted, this cannot be had. */
  | { readonly status: 'forwarding'; readonly absent: readonly Absent[] }
  /** `code` is the system's, such as EBUSY; `failed` where it is none. */
  | { readonly status: 'error'; readonly code: string; readonly message: string };

/** To the isolate. */
export type Told = { readonly reply: Reply } | { readonly ready: number };

/** One guest's line to the hardware. */
export interface BoardPort {
  readonly port: MessagePort;
  /** One word, counting what was told. */
  readonly signal: SharedArrayBuffer;
}

/** Main thread to the hardware's. */
export type Order =
  /** From now on `port` asks, until it is closed. */
  | ({ readonly order: 'attach'; readonly app: AppName; readonly grants: HardwareGrants } & BoardPort)
  /** What the app holds and none of these grants names is given back. */
  | { readonly order: 'retain'; readonly app: AppName; readonly grants: readonly HardwareGrants[] }
  | { readonly order: 'end' };

/** The hardware's thread to the main one: an edge that is to come to its app as a message. */
export interface News {
  readonly app: AppName;
  readonly label: string;
  readonly edge: 'rising' | 'falling';
  readonly atNs: bigint;
  readonly lost: number;
}

/**
 * What the guest's handler gets of an edge: `{"edge":"rising","ns":81223344556677,"lost":0}`. The time is that of
 * wasi:clocks/monotonic-clock; `lost` counts edges since the one before that nothing was told of.
 */
export const edgePayload = ({ edge, atNs, lost }: News): Uint8Array =>
  Buffer.from(`{"edge":"${edge}","ns":${atNs},"lost":${lost}}`);
