/**
 * The two listeners of the one app. Plain HTTP is bound to loopback and nothing else: session
 * cookies and sign-in links never leave the machine unencrypted. HTTPS asks for a client certificate
 * but does not insist, as a board that enrols has none yet, and reaches the API alone.
 */
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { API_ROOT } from '@wafer/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { StartError } from '../config.ts';
import { sendProblem } from './problems.ts';

const LOOPBACK = '127.0.0.1';

const isSecure = ({ raw }: FastifyRequest): boolean => 'encrypted' in raw.socket;

/** Hides what is not the API from the HTTPS listener. Call before any route is registered. */
export function keepToTheApi(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    const route = request.routeOptions.url;
    if (!isSecure(request) || route === '/healthz' || route?.startsWith(`${API_ROOT}/`)) return undefined;
    const detail = 'This listener carries the API; the dashboard is on the server’s own loopback.';
    return sendProblem(reply, { code: 'request.not-found', detail });
  });
}

/** A port that cannot be had, as a StartError that names the variable which chooses another. */
export async function claimPort<T>(
  listening: Promise<T>,
  { host, port, variable }: { host: string; port: number; variable: string },
): Promise<T> {
  try {
    return await listening;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const at = `${host}:${port}`;
    if (code === 'EADDRINUSE')
      throw new StartError(`The port ${at} is taken: stop what listens there, or set ${variable}.`);
    if (code === 'EACCES')
      throw new StartError(`The port ${at} needs more rights: set ${variable} above 1023.`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new StartError(`This machine has no address ${host}: set WAFER_HOST.`);
    throw error;
  }
}

/** A connection that cannot be accepted, as when descriptors run out, is an `error` of the listener. */
function survive(server: Server, app: FastifyInstance): void {
  server.on('error', (err) => app.log.error({ err }, 'a connection was not accepted'));
}

/** Resolves to the port. */
export async function listenOnLoopback(app: FastifyInstance, port: number): Promise<number> {
  const place = { host: LOOPBACK, port, variable: 'WAFER_HTTP_PORT' };
  await claimPort(app.listen({ host: LOOPBACK, port }), place);
  survive(app.server, app);
  return (app.server.address() as AddressInfo).port;
}

export interface SecureListener {
  readonly port: number;
  close(): Promise<void>;
}

/** The app must be ready. */
export async function listenSecurely(
  app: FastifyInstance,
  tls: Pick<ServerOptions, 'key' | 'cert' | 'ca'>,
  { host, port }: { host: string; port: number },
): Promise<SecureListener> {
  const options = { ...tls, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' } as const;
  const server = createServer(options, (request, response) => app.routing(request, response));
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  await claimPort(listening, { host, port, variable: 'WAFER_API_PORT' });
  survive(server, app);
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
