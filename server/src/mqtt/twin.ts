/**
 * Two sessions under one certificate: is somebody behind the earlier one? A board that lost its link
 * leaves a session behind that looks alive and answers nothing; a clone answers. So before a new
 * session takes the place of an earlier one, the earlier is asked for something that MQTT makes it
 * acknowledge, whatever its program.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { deviceTopic, type Command, type DeviceId } from '@wafer/protocol';
import type { Client } from 'aedes';

/** How long a new session waits for an earlier one that may be dead, ms. */
const PATIENCE_MS = 1500;

/** A session whose last acknowledgement and whose end come together is no twin, ms. */
const AFTERWARDS_MS = 50;

/** Harmless: an agent sends its health once more. */
const QUESTION = JSON.stringify({ id: 1, command: 'report-health' } satisfies Command);

export function createTwinProbe() {
  const asked = new WeakMap<Client, () => void>();
  const isOpen = (client: Client): boolean => !client.closed && !client.conn.destroyed;

  return {
    /** To be told of each PUBACK. */
    acknowledged: (client: Client): void => asked.get(client)?.(),

    /** Whether the session is alive; never rejects. */
    async answers(device: DeviceId, client: Client): Promise<boolean> {
      if (!isOpen(client)) return false;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const late = setTimeout(() => resolve(false), PATIENCE_MS);
      const gone = (): void => resolve(false);
      client.conn.once('close', gone);
      asked.set(client, () => resolve(true));
      const question = { cmd: 'publish', qos: 1, retain: false, dup: false, payload: QUESTION } as const;
      client.publish({ ...question, topic: deviceTopic(device, 'command') }, (error) => error && gone());
      const answered = await promise;
      clearTimeout(late);
      client.conn.removeListener('close', gone);
      asked.delete(client);
      if (!answered) return false;
      await sleep(AFTERWARDS_MS);
      return isOpen(client);
    },
  };
}
