/**
 * wasi:messaging — messages to and from the fleet. A guest may publish on the topics that its grants
 * cover; anything else is answered with `permission-denied` and put on record.
 *
 * What begins with `$board/` is for the other guests of the board; nothing else begins with a `$`.
 *
 * Messages lie in the host's memory, outside the guest's limit, so their number and size are bounded.
 */
import { filterCovers } from '@wafer/protocol/filter';
import { grantName } from '@wafer/protocol/grant-names';
import { Refusal, WitError, type Host } from './host.ts';

type Metadata = [string, string][];
type MessagingError = { tag: 'timeout' } | { tag: 'connection' | 'permission-denied' | 'other'; val: string };

/** Largest payload, bytes: what fits in one of the protocol's messages. */
const MAX_MESSAGE_BYTES = 64 * 1024;
/** Messages that a guest may hold at a time. */
const MAX_HELD_MESSAGES = 256;
const MAX_METADATA = 32;
const MAX_TEXT_CHARACTERS = 1000;
const MAX_TOPIC_CHARACTERS = 256;
/** Levels of a guest's topic; the protocol puts its own in front. */
const MAX_TOPIC_LEVELS = 16;

const failure = (tag: 'connection' | 'permission-denied' | 'other', val: string): WitError<MessagingError> =>
  new WitError<MessagingError>({ tag, val });

/** A topic name in the sense of MQTT 3.1.1, clause 4.7: no wildcards, not empty. */
const isTopicName = (topic: string): boolean =>
  topic.length > 0 &&
  topic.length <= MAX_TOPIC_CHARACTERS &&
  topic.split('/').length <= MAX_TOPIC_LEVELS &&
  !/[#+\0]/.test(topic);

/** `$board/#` covers `$board` too, which is no place on the board and must not leave it either. */
const isGuestTopic = (topic: string): boolean => !topic.startsWith('$') || topic.startsWith('$board/');

/** What bounds a message: beyond it the guest traps, since these functions have no error to answer. */
function bounded(holds: boolean, what: string): void {
  if (!holds) throw new Refusal('memory-limit', `The guest went over the limit of ${what}.`, what);
}

class Client {
  static connect(name: string): Client {
    if (name !== '') throw failure('connection', `there is no connection "${name}"; the only one is ""`);
    return new Client();
  }

  disconnect(): void {
    // The connection is the agent's own: there is nothing to close.
  }
}

/** Makes the class anew for each guest, so that it counts what that guest holds. */
function createMessageClass() {
  let held = 0;
  return class Message {
    #data: Uint8Array;
    #topic: string | undefined;
    #contentType: string | undefined;
    #metadata: Metadata | undefined;

    constructor(data: Uint8Array, topic?: string) {
      bounded(held < MAX_HELD_MESSAGES, `${MAX_HELD_MESSAGES} messages held at a time`);
      bounded(data.length <= MAX_MESSAGE_BYTES, `${MAX_MESSAGE_BYTES} bytes in a message`);
      held += 1;
      this.#data = data;
      this.#topic = topic;
    }

    /** The bindings call it when the guest drops its handle. */
    [Symbol.dispose](): void {
      held -= 1;
    }

    topic(): string | undefined {
      return this.#topic;
    }

    contentType(): string | undefined {
      return this.#contentType;
    }

    setContentType(contentType: string): void {
      this.#contentType = contentType.slice(0, MAX_TEXT_CHARACTERS);
    }

    data(): Uint8Array {
      return this.#data;
    }

    setData(data: Uint8Array): void {
      bounded(data.length <= MAX_MESSAGE_BYTES, `${MAX_MESSAGE_BYTES} bytes in a message`);
      this.#data = data;
    }

    metadata(): Metadata | undefined {
      return this.#metadata?.map(([key, value]): [string, string] => [key, value]);
    }

    addMetadata(key: string, value: string): void {
      this.setMetadata([...(this.#metadata ?? []), [key, value]]);
    }

    setMetadata(metadata: Metadata): void {
      bounded(metadata.length <= MAX_METADATA, `${MAX_METADATA} entries of metadata`);
      const isShort = metadata.every(([key, value]) => key.length + value.length <= MAX_TEXT_CHARACTERS);
      bounded(isShort, `${MAX_TEXT_CHARACTERS} characters in an entry of metadata`);
      this.#metadata = metadata;
    }

    removeMetadata(key: string): void {
      this.#metadata = this.#metadata?.filter(([name]) => name !== key);
    }
  };
}

export type Message = InstanceType<ReturnType<typeof createMessageClass>>;

export interface Messaging {
  readonly types: object;
  readonly producer: object;
  /** A message for the guest's handler. */
  incoming(topic: string, payload: Uint8Array): Message;
}

export function createMessaging(host: Host): Messaging {
  const Message = createMessageClass();
  const grants = (host.grants.messaging?.publish ?? []).map((filter) => ({
    filter,
    name: grantName.publish(filter),
  }));

  const send = (_: Client, topic: string, message: Message): void => {
    if (!isTopicName(topic)) throw failure('other', `"${topic.slice(0, 100)}" is no topic name`);
    const grant = grants.find(({ filter }) => isGuestTopic(topic) && filterCovers(filter, topic));
    if (grant === undefined) {
      const refusal = new Refusal(
        'capability-denied',
        `The guest published on ${topic}, which its grants do not cover.`,
        `messaging.publish ${topic}`,
      );
      host.report(refusal);
      throw failure('permission-denied', `no grant covers ${topic}`);
    }
    host.used(grant.name);
    const over = host.publish(topic, message.data());
    if (over !== undefined) throw failure('other', over);
  };
  /** `send` takes the message over, so it is the host's to let go of, whatever comes of it. */
  const sendOwned = (client: Client, topic: string, message: Message): void => {
    try {
      send(client, topic, message);
    } finally {
      message[Symbol.dispose]();
    }
  };

  return {
    types: { Client, Message },
    producer: { send: sendOwned },
    incoming: (topic, payload) => new Message(payload, topic),
  };
}
