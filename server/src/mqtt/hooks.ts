/** aedes' hooks: each asks authenticate.ts or authorize.ts, and acts on the answer. */
import type { TLSSocket } from 'node:tls';
import type { Clock, DeviceId } from '@wafer/protocol';
import type { AedesOptions, AuthenticateError, Client } from 'aedes';
import {
  CONNACK_CODES,
  hasExpired,
  judgeConnect,
  presentedBy,
  type Authenticate,
  type ConnectRefusal,
} from './authenticate.ts';
import { isDeliveryAllowed, isSubscriptionAllowed, judgePublish } from './authorize.ts';
import type { Dispatch } from './dispatch.ts';
import type { Gate } from './frames.ts';
import { Session } from './session.ts';
import type { Tally } from './tally.ts';
import { createTwinProbe } from './twin.ts';

export interface HookOptions {
  readonly authenticate: Authenticate;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly tally: Tally;
  readonly dispatch: Dispatch;
}

/** Bytes that wait in one device's socket before it is cut off. */
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024;

type Hooks = Required<
  Pick<
    AedesOptions,
    | 'preConnect'
    | 'authenticate'
    | 'authorizePublish'
    | 'authorizeSubscribe'
    | 'authorizeForward'
    | 'published'
  >
>;

export function createHooks({ authenticate, clock, connectTimeoutMs, tally, dispatch }: HookOptions) {
  const sessions = new WeakMap<Client, Session>();
  const gates = new WeakMap<object, Gate>();
  const refusals = new WeakMap<Client, ConnectRefusal>();
  /** The one live connection of each device. */
  const live = new Map<DeviceId, Client>();
  const twins = createTwinProbe();
  /** Connections up to this ordinal are to be cut, also those that are still being checked. */
  const cuts = new Map<DeviceId, number>();
  let ordinal = 0;
  let isClosing = false;

  const refused = (reason: ConnectRefusal, client: Client): AuthenticateError => {
    tally.count(reason, { clientId: client.id, source: (client.conn as TLSSocket).remoteAddress });
    // The type of aedes is a `const enum`, which does not exist when types are stripped.
    const error: unknown = Object.assign(new Error(reason), { returnCode: CONNACK_CODES[reason] });
    return error as AuthenticateError;
  };

  /** Before a session takes the place of an earlier one. */
  async function lookForTwin({ presented }: Session, client: Client): Promise<void> {
    const earlier = live.get(presented.device);
    const before = earlier && sessions.get(earlier)?.presented;
    if (earlier === undefined || before === undefined) return;
    const from = ({ conn }: Client): string => (conn as TLSSocket).remoteAddress ?? 'unknown';
    const [was, is] = [from(earlier), from(client)];
    if (await twins.answers(presented.device, earlier))
      void dispatch.doubled(presented.device, {
        earlier: { source: was, serial: before.serial },
        later: { source: is, serial: presented.serial },
      });
  }

  const broker: Hooks = {
    preConnect(client, packet, done) {
      const presented = presentedBy(client.conn as TLSSocket);
      const refusal = judgeConnect(presented, packet, clock.now());
      const gate = gates.get(client.conn);
      if (refusal !== undefined) refusals.set(client, refusal);
      else if (presented !== undefined && gate !== undefined)
        sessions.set(client, new Session(presented, (ordinal += 1), gate, clock));
      // Read as true: with false, aedes would keep denied subscriptions and queue without a bound.
      packet.clean = true;
      done(null, true);
    },

    authenticate(client, _username, _password, done) {
      const session = sessions.get(client);
      if (session === undefined) return done(refused(refusals.get(client) ?? 'not-authorized', client), null);
      const timeout = AbortSignal.timeout(connectTimeoutMs);
      const late = new Promise<never>((_resolve, reject) =>
        timeout.addEventListener('abort', () =>
          reject(new Error('the check of a certificate took too long')),
        ),
      );
      Promise.race([authenticate(session.presented), late]).then(
        async (known) => {
          if (!known) return done(refused('not-authorized', client), null);
          await lookForTwin(session, client);
          done(null, true);
        },
        (error: unknown) => {
          tally.count('authenticate-failed', { err: error });
          done(refused('unavailable', client), null);
        },
      );
    },

    authorizePublish(client, packet, done) {
      const session = client === null ? undefined : sessions.get(client);
      if (session === undefined) return done(new Error('nobody published this'));
      const verdict = judgePublish(session.access, packet);
      packet.retain = false;
      switch (verdict) {
        case 'accept':
        case 'drop':
          session.charge(packet.payload.length);
          return done(null);
        case 'topic-forbidden':
        case 'qos-2':
          tally.count(verdict, { device: session.presented.device, topic: packet.topic.slice(0, 200) });
          done(new Error(verdict));
      }
    },

    authorizeSubscribe(client, subscription, done) {
      const session = sessions.get(client);
      if (session !== undefined && isSubscriptionAllowed(session.access, subscription.topic))
        return done(null, subscription);
      tally.count('filter-forbidden', { device: client.id, filter: subscription.topic.slice(0, 200) });
      done(null, null);
    },

    authorizeForward(client, packet) {
      const session = sessions.get(client);
      if (session === undefined || !isDeliveryAllowed(session.access, packet.topic)) {
        tally.count('delivery-forbidden', { device: client.id });
        return null;
      }
      if (client.conn.writableLength > MAX_BACKLOG_BYTES) {
        tally.count('reads-too-slowly', { device: client.id });
        client.conn.destroy();
        return null;
      }
      return packet;
    },

    published(packet, client, done) {
      // aedes passes null for messages of its own, whatever its types say.
      const session = (client as Client | null) === null ? undefined : sessions.get(client);
      // No session: the server's own message, or the broker's about itself.
      if (session === undefined || isClosing) return done(null);
      const { device } = session.presented;
      if (judgePublish(session.access, packet) !== 'accept') {
        tally.count('payload-too-large', { device, topic: packet.topic });
        return done(null);
      }
      const payload = Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload);
      // A will says what `disconnected` tells anyway, and may come when a newer connection is there.
      if (!client.closed || !packet.topic.endsWith('/presence'))
        session.run(() => dispatch.message(device, packet.topic, payload));
      done(null);
    },
  };

  return {
    broker,

    /** To be called for each connection before the broker has it. */
    guarded: (connection: object, gate: Gate): void => void gates.set(connection, gate),

    connected(client: Client): void {
      const session = sessions.get(client);
      if (session === undefined) return client.close();
      const { device } = session.presented;
      live.set(device, client);
      if (session.ordinal <= (cuts.get(device) ?? 0)) return client.close();
      void dispatch.presence(device, true);
    },

    disconnected(client: Client): void {
      const device = sessions.get(client)?.presented.device;
      if (device === undefined || live.get(device) !== client) return;
      live.delete(device);
      // A replacement registers in the same turn; then the device never was away.
      setImmediate(() => {
        if (!isClosing && !live.has(device)) void dispatch.presence(device, false);
      });
    },

    async cut(device: DeviceId): Promise<void> {
      cuts.set(device, ordinal);
      const client = live.get(device);
      if (client !== undefined) await new Promise<void>((resolve) => client.close(resolve));
    },

    /** Ends each session that has outlived its certificate. The next one shows a newer, or is refused. */
    cutExpired(): void {
      for (const [device, client] of live) {
        const presented = sessions.get(client)?.presented;
        if (presented === undefined || client.closed || !hasExpired(presented, clock.now())) continue;
        tally.count('certificate-expired', { device, serial: presented.serial });
        client.close();
      }
    },

    acknowledged: (client: Client): void => twins.acknowledged(client),

    live: (): readonly DeviceId[] => [...live.keys()],

    /** From now on nobody is told anything: the server is going, not the devices. */
    close(): void {
      isClosing = true;
    },
  };
}
