/** Hello and presence, from the bus. For one device they are handled in the order in which they came. */
import { Hello, Seconds, type DeviceId } from '@wafer/protocol';
import { isUnavailable } from '../db/failures.ts';
import type { Deps } from '../deps.ts';
import { parsePayload } from '../mqtt/payload.ts';
import { untilNoDeadlock } from '../rollouts/index.ts';
import { recordGone, recordHello, recordSilent } from './store.ts';

/** A device sends its health every 10 s; after four that did not come it counts as offline. */
const SILENCE = Seconds(45);
export const SWEEP_EVERY = Seconds(15);

type Parts = Pick<Deps, 'bus' | 'clock' | 'db' | 'live'>;

/** Called when a device has said hello and that is stored. */
export type OnHello = (device: DeviceId, hello: Hello) => Promise<void>;

/** Runs tasks of one device one after the other, those of others beside them. */
function inOrder() {
  const tails = new Map<DeviceId, Promise<unknown>>();
  return (device: DeviceId, task: () => Promise<void>): Promise<void> => {
    const run = (tails.get(device) ?? Promise.resolve()).then(task);
    const tail = run
      .catch(() => undefined)
      .then(() => {
        if (tails.get(device) === tail) tails.delete(device);
      });
    tails.set(device, tail);
    return run;
  };
}

/** Takes over the kind hello of the bus, and presence. */
export function receiveDevices({ bus, clock, db, live }: Parts, onHello: OnHello): void {
  const ordered = inOrder();

  async function greet(device: DeviceId, hello: Hello): Promise<void> {
    try {
      if (!(await recordHello(db, device, hello, clock.now()))) return await bus.disconnect(device);
      live.publish({ type: 'device', device });
      await onHello(device, hello);
    } catch (error) {
      // A hello is the question for the desired state: unanswered, it has to be asked again.
      if (isUnavailable(error)) await bus.disconnect(device);
      throw error;
    }
  }

  bus.onMessage('hello', async ({ device, payload }) => {
    const hello = parsePayload(Hello, payload);
    await ordered(device, () => greet(device, hello));
  });

  bus.onPresence(async (device, isOnline) => {
    // A connection alone says nothing yet: a device is online once it has said hello.
    if (isOnline) return;
    await ordered(device, async () => {
      if (await recordGone(db, device, clock.now())) live.publish({ type: 'device', device });
    });
  });
}

/** Marks devices offline that are connected, or seem to be, and say nothing. */
export async function sweepSilent({ clock, db, live }: Omit<Parts, 'bus'>): Promise<void> {
  const now = clock.now();
  const silent = await untilNoDeadlock(() => recordSilent(db, now - SILENCE, now));
  for (const device of silent) live.publish({ type: 'device', device });
}
