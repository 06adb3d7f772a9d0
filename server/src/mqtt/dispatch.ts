/**
 * From the broker to the contexts: one handler for each kind of message, presence in order for each
 * device. Handlers fail here and nowhere else: a rejected promise is counted and logged.
 */
import { parseUpTopic, Presence, type DeviceId } from '@wafer/protocol';
import type { Bus, DoubledSession, Incoming, UpKind } from './bus.ts';
import type { Tally } from './tally.ts';

type Handler = Parameters<Bus['onMessage']>[1];
type DoubledHandler = Parameters<Bus['onDoubled']>[0];
type PresenceHandler = Parameters<Bus['onPresence']>[0];

export class Dispatch {
  readonly #tally: Tally;
  readonly #handlers = new Map<UpKind, Handler>();
  readonly #presenceHandlers: PresenceHandler[] = [];
  readonly #doubledHandlers: DoubledHandler[] = [];
  /** Tail of each device's queue of presence calls; gone when the queue is empty. */
  readonly #tails = new Map<DeviceId, Promise<void>>();

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  on(kind: UpKind, handler: Handler): void {
    if (this.#handlers.has(kind)) throw new Error(`two handlers for ${kind}`);
    this.#handlers.set(kind, handler);
  }

  onPresence(handler: PresenceHandler): void {
    this.#presenceHandlers.push(handler);
  }

  onDoubled(handler: DoubledHandler): void {
    this.#doubledHandlers.push(handler);
  }

  /** Never rejects. */
  async doubled(device: DeviceId, sessions: DoubledSession): Promise<void> {
    this.#tally.count('session-doubled', { device, ...sessions });
    for (const handler of this.#doubledHandlers)
      await this.#guard('doubled', device, () => handler(device, sessions));
  }

  /** Settles when the handler has; never rejects. */
  async message(device: DeviceId, topicName: string, payload: Buffer): Promise<void> {
    const topic = parseUpTopic(topicName);
    if (topic === undefined || topic.device !== device)
      return this.#tally.count('topic-forbidden', { device });
    if (topic.kind === 'presence') return this.#leave({ device, topic, payload });
    await this.#guard(topic.kind, device, async () =>
      this.#handlers.get(topic.kind)?.({ device, topic, payload }),
    );
  }

  /** Calls for one device run one after the other, in the order in which they were made. */
  presence(device: DeviceId, isOnline: boolean): Promise<void> {
    const tail = (this.#tails.get(device) ?? Promise.resolve()).then(async () => {
      for (const handler of this.#presenceHandlers)
        await this.#guard('presence', device, () => handler(device, isOnline));
    });
    this.#tails.set(device, tail);
    void tail.then(() => {
      if (this.#tails.get(device) === tail) this.#tails.delete(device);
    });
    return tail;
  }

  /** The will, or the word of an agent that leaves on purpose. */
  async #leave(message: Incoming): Promise<void> {
    await this.#guard('presence', message.device, async () => {
      Presence.parse(JSON.parse(message.payload.toString('utf8')));
      await this.#handlers.get('presence')?.(message);
      await this.presence(message.device, false);
    });
  }

  async #guard(kind: string, device: DeviceId, run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.#tally.count(`${kind}-failed`, { device, err: error });
    }
  }
}
