/**
 * What an instance of a guest asks other threads through: its key-value stores, the network and
 * the board's hardware. The main
 * thread opens the lines, the instance's isolate takes them over, and they end with the instance.
 */
import type { MessagePort } from 'node:worker_threads';
import type { AppName, Grants } from '@wafer/protocol';
import type { BoardPort } from '../capabilities/board/port.ts';
import type { HttpLine } from '../capabilities/http/port.ts';
import type { StorePort } from '../capabilities/keyvalue/port.ts';

/** Each is undefined where nothing of the kind was granted. */
export interface Lines {
  readonly stores: StorePort | undefined;
  readonly http: HttpLine | undefined;
  readonly board: BoardPort | undefined;
}

export type OpenLines = (app: AppName, grants: Grants) => Lines;

/** To be handed over with the message that carries the lines. */
export const portsOf = ({ stores, http, board }: Lines): MessagePort[] =>
  [stores?.port, http?.port, board?.port].filter((port) => port !== undefined);

export function closeLines(lines: Lines): void {
  for (const port of portsOf(lines)) port.close();
}
