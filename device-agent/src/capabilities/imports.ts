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
import { createBoard } from './board/guest.ts';
import type { BoardPort } from './board/port.ts';
import { createCli } from './cli.ts';
import { clock } from './clock.ts';
import { createConfig } from './config.ts';
import { denied, kebab } from './denied.ts';
import { createFilesystem } from './filesystem.ts';
import type { Host } from './host.ts';
import { createHttp } from './http/guest.ts';
import type { HttpLine } from './http/port.ts';
import { io } from './io.ts';
import { createKeyvalue } from './keyvalue/guest.ts';
import type { StorePort } from './keyvalue/port.ts';
import { createLogging } from './logging.ts';
import { createMessaging, type Message, type Messaging } from './messaging.ts';
import { random } from './random.ts';
import { createSecrets } from './secrets.ts';
import { watched } from './watched.ts';

export interface Linked {
  /** What `instantiate` takes as its imports. */
  readonly imports: object;
  /** A message for the guest's handler. */
  message(topic: string, payload: Uint8Array): Message;
  /** Which import a host function is, by the name that a stack has for it: `wasi:cli/environment#get-environment`. */
  nameOf(hostFunction: string): string | undefined;
  /** A call has ended: what it wrote without ending the line is logged. */
  finish(): void;
  /** Gives back what the guest held of the host: open files, its lines to other threads. */
  release(): void;
}

/**
 * Opens the granted folders and takes the granted edges, so it throws a `Refusal` when one cannot be had. `lines` lead to the granted
 * key-value stores, to the network and to the board's hardware.
 */
export function linkImports(
  host: Host,
  lines: {
    readonly stores: StorePort | undefined;
    readonly http: HttpLine | undefined;
    readonly board: BoardPort | undefined;
  },
): Linked {
  const { grants } = host;
  const cli = createCli(host);
  const filesystem = createFilesystem(host);
  const { stores } = lines;
  const http = lines.http === undefined ? undefined : createHttp(host, lines.http);
  const board = lines.board === undefined ? undefined : createBoard(host, lines.board);
  // Made when it is first asked for: most of the time that linking takes goes into its class.
  let made: Messaging | undefined;
  const messaging = (): Messaging => (made ??= createMessaging(host));
  const granted: Record<string, object> = {
    ...io,
    ...cli.interfaces,
    ...createLogging(host),
    ...createConfig(host),
    ...filesystem.interfaces,
    get 'wasi:messaging/types'() {
      return messaging().types;
    },
    ...(grants.clock === true ? watched(clock, () => host.used(grantName.clock)) : {}),
    ...(grants.random === true ? watched(random, () => host.used(grantName.random)) : {}),
    ...((grants.secrets ?? []).length === 0 ? {} : createSecrets(host)),
    ...http?.interfaces,
    ...board?.interfaces,
    ...(stores === undefined ? {} : createKeyvalue(host, stores)),
  };
  if (grants.messaging !== undefined) {
    Object.defineProperty(granted, 'wasi:messaging/producer', {
      enumerable: true,
      get: () => messaging().producer,
    });
  }
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
    message: (topic, payload) => messaging().incoming(topic, payload),
    nameOf: (hostFunction) => importNamed(granted, hostFunction),
    finish: () => {
      cli.finish();
      http?.finish();
    },
    release: () => {
      filesystem.close();
      stores?.port.close();
      http?.close();
      board?.close();
    },
  };
}

function importNamed(granted: Readonly<Record<string, object>>, hostFunction: string): string | undefined {
  const [owner, method] = hostFunction.split('.');
  for (const [name, functions] of Object.entries(granted)) {
    for (const [key, value] of Object.entries(functions)) {
      if (typeof value !== 'function' || (value.name !== owner && key !== owner)) continue;
      return method === undefined ? `${name}#${kebab(key)}` : `${name}#${kebab(key)}.${kebab(method)}`;
    }
  }
  return undefined;
}
