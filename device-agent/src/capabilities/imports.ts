/**
 * Capabilities: everything that a guest can reach, one file each. A guest holds nothing until it is
 * granted. The interfaces are those that the protocol's admission lists; whatever else a component
 * imports, and whatever of the list was not granted, is linked to a stand-in that denies by name.
 *
 * These host functions run in the guest's isolate, synchronously, and are reached only through the
 * bindings that were generated on this device. A host function returns, throws a `WitError` (the guest's
 * to handle), or throws anything else, which ends the call.
 *
 * Import names carry no version here: every 0.2.x is served alike.
 */
import { grantName } from '@wafer/protocol/grant-names';
import { createCli } from './cli.ts';
import { clock } from './clock.ts';
import { createConfig } from './config.ts';
import { denied } from './denied.ts';
import { createFilesystem } from './filesystem.ts';
import type { Host } from './host.ts';
import { io } from './io.ts';
import { createKeyvalue } from './keyvalue/guest.ts';
import type { StorePort } from './keyvalue/port.ts';
import { createLogging } from './logging.ts';
import { watched } from './watched.ts';
import { createMessaging, type Message } from './messaging.ts';
import { random } from './random.ts';

export interface Linked {
  /** What `instantiate` takes as its imports. */
  readonly imports: object;
  /** A message for the guest's handler. */
  message(topic: string, payload: Uint8Array): Message;
  /** A call has ended: what it wrote without ending the line is logged. */
  finish(): void;
  /** Gives back what the guest held of the host: open files, its line to stores. */
  release(): void;
}

/**
 * Opens the granted folders, so it throws a `Refusal` when one cannot be had. `stores` is the line to the
 * granted key-value stores.
 */
export function linkImports(host: Host, stores: StorePort | undefined): Linked {
  const { grants } = host;
  const cli = createCli(host);
  const filesystem = createFilesystem(host);
  const messaging = createMessaging(host);
  const granted: Record<string, object> = {
    ...io,
    ...cli.interfaces,
    ...createLogging(host),
    ...createConfig(host),
    ...filesystem.interfaces,
    'wasi:messaging/types': messaging.types,
    ...(grants.clock === true ? watched(clock, () => host.used(grantName.clock)) : {}),
    ...(grants.random === true ? watched(random, () => host.used(grantName.random)) : {}),
    ...(stores === undefined ? {} : createKeyvalue(host, stores)),
    ...(grants.messaging === undefined ? {} : { 'wasi:messaging/producer': messaging.producer }),
  };
  const imports = new Proxy(Object.create(null) as object, {
    has: () => true,
    get: (_, key) => {
      if (typeof key === 'symbol') return undefined;
      const name = key.replace(/@.*$/, '');
      return Object.hasOwn(granted, name) ? granted[name] : denied(host, key);
    },
  });
  return {
    imports,
    message: (topic, payload) => messaging.incoming(topic, payload),
    finish: () => cli.finish(),
    release: () => {
      filesystem.close();
      stores?.port.close();
    },
  };
}
