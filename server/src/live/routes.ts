/** GET /events: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
import type { ServerResponse } from 'node:http';
import { Seconds, type LiveEvent } from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { requireRole } from '../http/auth.ts';
import { Coalescer, QUIET } from './coalesce.ts';

/** A comment this often keeps proxies from closing a stream that has nothing to say. */
const HEARTBEAT = Seconds(15);
/** Bytes that wait for one client; a slower one is told to read again once it has caught up. */
const MAX_BACKLOG_BYTES = 64 * 1024;
const MAX_WAITING = 1000;

export function live({ live: hub, clock }: Pick<Deps, 'live' | 'clock'>): FastifyPluginAsyncZod {
  return async (app) => {
    const streams = new Set<() => void>();
    // A stream never ends by itself: without this, closing the server would wait for every page.
    app.addHook('preClose', async () => streams.forEach((end) => end()));

    app.route({
      method: 'GET',
      url: '/events',
      // A HEAD would hold a connection open that nothing is ever said on.
      exposeHeadRoute: false,
      onRequest: requireRole('viewer'),
      schema: { tags: ['live'], produces: ['text/event-stream'] },
      handler(request, reply) {
        reply.hijack();
        const response = reply.raw;
        response.writeHead(200, {
          ...(reply.getHeaders() as Record<string, string>),
          'content-type': 'text/event-stream; charset=utf-8',
          'cache-control': 'no-store',
          'x-accel-buffering': 'no',
        });
        const end = stream(response, hub, clock);
        streams.add(end);
        response.once('close', () => {
          streams.delete(end);
          end();
        });
        request.log.debug('a page listens');
      },
    });
  };
}

/** Writes hints until the returned function is called; calling it twice is fine. */
function stream(response: ServerResponse, hub: Deps['live'], clock: Deps['clock']): () => void {
  let hasMissed = false;
  let timer: NodeJS.Timeout | undefined;
  const write = (event: LiveEvent): void => {
    if (response.writableLength > MAX_BACKLOG_BYTES) hasMissed = true;
    else response.write(`data: ${JSON.stringify(event)}\n\n`);
  };
  const coalescer = new Coalescer({ clock, send: write, maxWaiting: MAX_WAITING });
  const flush = (): void => {
    timer = undefined;
    coalescer.flush();
    schedule();
  };
  const schedule = (): void => {
    if (coalescer.isWaiting) timer ??= setTimeout(flush, QUIET);
  };
  const unsubscribe = hub.subscribe((event) => {
    coalescer.add(event);
    schedule();
  });
  const heartbeat = setInterval(() => response.write(':\n\n'), HEARTBEAT);
  response.on('drain', () => {
    if (!hasMissed) return;
    hasMissed = false;
    write({ type: 'resync' });
  });
  response.on('error', () => undefined);
  response.write('retry: 2000\n\n');
  return () => {
    unsubscribe();
    clearInterval(heartbeat);
    clearTimeout(timer);
    // Not `end`: a page that does not read would keep the server from closing.
    response.destroy();
  };
}
