/**
 * The main thread's hold on the keeper of stores. The thread starts with the first app that was granted
 * a store, so a board without one pays nothing for it; if it should ever end by itself, the next
 * instance of a guest gets a new one.
 */
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import type { AppName, Grants } from '@wafer/protocol';
import { programUrl } from '../../programs.ts';
import { startSideThread, type SideThread } from '../side-thread.ts';
import { createSignal, type Attach, type StorePort } from './port.ts';

/** Host memory of the keeper, MiB: what lives in all stores of the board together has to fit. */
const HEAP_MIB = 256;

/** Opens one guest's line to the stores that it was granted; undefined when there are none. */
type OpenStores = (app: AppName, grants: Grants) => StorePort | undefined;

export interface Keepers {
  readonly open: OpenStores;
  close(): Promise<void>;
}

/** `folder` is where all apps' stores are, each app's in a folder of its own. */
export function createKeepers(folder: string): Keepers {
  let keeper: SideThread | undefined;

  const start = (): SideThread =>
    startSideThread(programUrl('keeper'), HEAP_MIB, undefined, (which) => {
      if (keeper === which) keeper = undefined;
    });

  return {
    open: (app, grants) => {
      if (grants.keyvalue === undefined || grants.keyvalue.length === 0) return undefined;
      keeper ??= start();
      const { port1, port2 } = new MessageChannel();
      const signal = createSignal();
      const maxBytes = new Map(grants.keyvalue.map((grant) => [grant.store, grant.maxBytes]));
      const attach: Attach = { port: port2, signal, folder: join(folder, app), maxBytes };
      keeper.port.postMessage(attach, [port2]);
      return { port: port1, signal };
    },
    close: async () => {
      const last = keeper;
      keeper = undefined;
      last?.port.close();
      await last?.worker.terminate();
    },
  };
}
