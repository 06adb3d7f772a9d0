/**
 * The network thread's work: it answers what guests ask through their lines, each under the grants of its
 * own. A line that closes, because its guest is gone or its isolate was ended in the middle of a call,
 * takes its exchanges and their sockets along. The thread runs no guest's code.
 *
 * It is not the thread that keeps the stores: that one blocks while the disk is flushed, and a slow disk
 * would hold up every response, as a flood of responses would hold up every store.
 */
import type { MessagePort } from 'node:worker_threads';
import { createSecureContext, type SecureContext } from 'node:tls';
import { Exchange, type Lookup } from './exchange.ts';
import type { Attach, FromNetwork, Idle, ToNetwork } from './port.ts';

export interface NetworkOptions {
  readonly lookup: Lookup;
  /** Certificates in PEM to trust instead of Node's own list. */
  readonly ca?: string | string[] | undefined;
}

/**
 * One name at a time: looking up blocks one of the few threads of the whole process that do so, and a guest
 * may know names that nobody answers for.
 */
function inTurn(lookup: Lookup): Lookup {
  let last: Promise<unknown> = Promise.resolve();
  return (name) => {
    const turn = last.then(() => lookup(name));
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** Serves lines until its thread is ended. `main` brings them. */
export function serveNetwork(main: MessagePort, { lookup, ca }: NetworkOptions): void {
  let context: SecureContext | undefined;
  // Reading all root certificates takes a while, so it is done once, and when it is needed.
  const secureContext = (): SecureContext =>
    (context ??= createSecureContext(ca === undefined ? {} : { ca }));
  let attached = 0;
  let open = 0;

  const attach = ({ port, signal, grants }: Attach): void => {
    const word = new Int32Array(signal);
    const exchanges = new Map<number, Exchange>();
    const lookupInTurn = inTurn(lookup);
    attached += 1;
    open += 1;

    const tell = (news: FromNetwork): void => {
      port.postMessage(news, news.tell === 'chunk' ? [news.bytes.buffer as ArrayBuffer] : []);
      Atomics.add(word, 0, 1);
      Atomics.notify(word, 0);
    };

    const receive = (asked: ToNetwork): void => {
      const { exchange: id } = asked;
      if (asked.ask === 'begin') {
        const { head } = asked;
        const exchange = new Exchange({
          head,
          grants,
          lookup: lookupInTurn,
          secureContext,
          tell: (news) => tell({ ...news, exchange: id }),
          onOver: () => exchanges.delete(id),
        });
        exchanges.set(id, exchange);
        return exchange.begin();
      }
      const exchange = exchanges.get(id);
      switch (asked.ask) {
        case 'write':
          return exchange?.write(asked.bytes);
        case 'end':
          return exchange?.end(asked.trailers);
        case 'more':
          return exchange?.more();
        case 'discard':
          return exchange?.discard();
        case 'abort':
          return exchange?.abort();
      }
    };

    port.on('message', receive);
    port.on('close', () => {
      for (const exchange of exchanges.values()) exchange.abort();
      open -= 1;
      const idle: Idle = { attached };
      if (open === 0) main.postMessage(idle, []);
    });
  };

  main.on('message', attach);
}
