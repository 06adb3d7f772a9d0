/**
 * The main thread's hold on the hardware's thread. It starts with the first app that was granted a pin, a
 * bus, a serial line or a sensor, and ends with the last, so a board without one pays nothing for it.
 */
import { MessageChannel } from 'node:worker_threads';
import type { AppName, Grants } from '@wafer/protocol';
import { programUrl } from '../../programs.ts';
import type { BoardPort, HardwareGrants, News, Order } from './port.ts';
import { addonPath } from './native.ts';
import { startSideThread, type SideThread } from '../side-thread.ts';
import type { StandIn, ThreadData } from './thread.ts';

const HEAP_MIB = 64;
/** What is under way in the kernel is waited for so long when the agent ends, ms. */
const END_MS = 2000;
/** An app that is started again soon finds the thread, and nothing of it still held by one that ends, ms. */
const LINGER_MS = 10_000;

const THE_BOARD: StandIn = { library: null, sys: '/sys' };

export interface Boards {
  /** Opens one guest's line; undefined when it was granted none of the hardware. */
  open(app: AppName, grants: Grants): BoardPort | undefined;
  /** What the app holds and these do not name is given back; none means that it was stopped. */
  retain(app: AppName, grants: readonly Grants[]): void;
  /** Whether the thread is there. */
  isRunning(): boolean;
  close(): Promise<void>;
}

function hardwareGrants({ gpio = [], i2c = [], serial = [], sensors = [] }: Grants): HardwareGrants {
  return { gpio, i2c, serial, sensors };
}

const isNothing = (grants: HardwareGrants): boolean =>
  Object.values(grants).every((list) => list.length === 0);

export function createBoards(onNews: (news: News) => void, standIn: StandIn = THE_BOARD): Boards {
  let thread: SideThread | undefined;
  let leaving: NodeJS.Timeout | undefined;
  const users = new Set<AppName>();

  const start = (): SideThread => {
    const data: ThreadData = { ...standIn, addon: addonPath() };
    const started = startSideThread(programUrl('board'), HEAP_MIB, data, (which) => {
      if (thread === which) thread = undefined;
    });
    started.port.on('message', onNews);
    return started;
  };

  const order = (to: SideThread, what: Order): void =>
    to.port.postMessage(what, what.order === 'attach' ? [what.port] : []);

  const end = async ({ worker, port }: SideThread): Promise<void> => {
    const exit = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    port.postMessage({ order: 'end' } satisfies Order, []);
    const late = setTimeout(() => void worker.terminate(), END_MS);
    await exit;
    clearTimeout(late);
  };

  return {
    open: (app, grants) => {
      const hardware = hardwareGrants(grants);
      if (isNothing(hardware)) return undefined;
      users.add(app);
      clearTimeout(leaving);
      thread ??= start();
      const { port1, port2 } = new MessageChannel();
      const signal = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
      order(thread, { order: 'attach', app, grants: hardware, port: port2, signal });
      return { port: port1, signal };
    },
    retain: (app, grants) => {
      if (!users.has(app) || thread === undefined) return;
      const kept = grants.map(hardwareGrants).filter((each) => !isNothing(each));
      order(thread, { order: 'retain', app, grants: kept });
      if (kept.length > 0) return;
      users.delete(app);
      if (users.size > 0) return;
      const last = thread;
      leaving = setTimeout(() => {
        if (thread === last) thread = undefined;
        void end(last);
      }, LINGER_MS).unref();
    },
    isRunning: () => thread !== undefined,
    close: async () => {
      clearTimeout(leaving);
      const last = thread;
      thread = undefined;
      if (last !== undefined) await end(last);
    },
  };
}
