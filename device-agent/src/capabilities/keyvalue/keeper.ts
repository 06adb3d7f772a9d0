/**
 * The keeper: the one thread that has the agent's key-value stores open. During a swap two instances of
 * an app ask for the same store from two isolates; because one thread answers both, each change is whole
 * and in one order, each read sees the last one, and an isolate that is ended in the middle of a call
 * leaves no lock behind and nothing half-written. Flushing the disk holds up no one but who asked for it
 * and other users of stores: neither the main thread nor a guest without a store.
 *
 * It runs no guest's code. What it is asked comes from our own host functions, through ports that the
 * main thread handed out.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { workerData, type MessagePort } from 'node:worker_threads';
import { disk } from './disk.ts';
import { tellAnswered, tellHeld, type Attach, type Reply, type Request } from './port.ts';
import { OverQuota, Store } from './store.ts';

interface Open {
  readonly store: Store;
  /** Each guest that has it open, by what tells it how much its stores hold. */
  readonly users: Set<() => void>;
}

const { port: main } = workerData as { port: MessagePort };
const open = new Map<string, Open>();

function answer(store: Store, request: Request, maxBytes: number): Reply {
  switch (request.ask) {
    case 'get':
      return { status: 'value', value: store.get(request.key) };
    case 'exists':
      return { status: 'found', isThere: store.exists(request.key) };
    case 'list':
      return { status: 'page', page: store.list(request.cursor) };
    case 'set':
      store.set(request.key, request.value, maxBytes);
      return { status: 'done' };
    case 'delete':
      store.delete(request.key);
      return { status: 'done' };
  }
}

const changes = ({ ask }: Request): boolean => ask === 'set' || ask === 'delete';

function failure(error: unknown): Reply {
  const message = error instanceof Error ? error.message : String(error);
  return { status: error instanceof OverQuota ? 'over-quota' : 'failed', message };
}

function attach({ port, signal, folder, maxBytes }: Attach): void {
  const mine = new Map<string, Open>();

  const pathOf = (name: string): string => join(folder, `${name}.kv`);
  const tell = (): void =>
    tellHeld(
      signal,
      [...mine.values()].reduce((sum, { store }) => sum + store.usedBytes, 0),
    );

  const storeOf = (name: string): Store => {
    const known = mine.get(name);
    if (known !== undefined) return known.store;
    const path = pathOf(name);
    const entry = open.get(path) ?? { store: new Store(path, disk), users: new Set() };
    entry.users.add(tell);
    open.set(path, entry);
    mine.set(name, entry);
    tell();
    return entry.store;
  };

  const reply = (request: Request): Reply => {
    const quota = maxBytes.get(request.store);
    if (quota === undefined) return { status: 'failed', message: 'it was not granted' };
    try {
      return answer(storeOf(request.store), request, quota);
    } catch (error) {
      return failure(error);
    } finally {
      if (changes(request)) for (const user of mine.get(request.store)?.users ?? []) user();
    }
  };

  port.on('message', (request: Request) => {
    port.postMessage(reply(request), []);
    tellAnswered(signal);
  });

  // The guest is gone; the last one closes the file.
  port.on('close', () => {
    for (const [name, entry] of mine) {
      entry.users.delete(tell);
      if (entry.users.size > 0) continue;
      entry.store.close();
      open.delete(pathOf(name));
    }
    mine.clear();
  });

  // What is there is opened at once: how much a guest keeps is told even of one that does not ask for it.
  for (const name of maxBytes.keys()) {
    try {
      if (existsSync(pathOf(name))) storeOf(name);
    } catch {
      // A damaged store fails each use of it, and is told then.
    }
  }
}

main.on('message', attach);
