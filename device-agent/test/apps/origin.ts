/** Servers on loopback that a guest may ask, and what they saw. */
import { createServer as createHttp, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly at: string;
}

export class Origin {
  readonly seen: Seen[] = [];
  readonly sockets = new Set<Socket>();
  /** Connections since it began to listen. */
  connections = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  /** `address` may be any of loopback; `port` 0 is a free one. */
  static async listen(
    answer: RequestListener,
    {
      address = '127.0.0.1',
      port = 0,
      tls,
    }: { address?: string; port?: number; tls?: { key: string; cert: string } } = {},
  ): Promise<Origin> {
    const listener: RequestListener = (request, response) => {
      const { method = '', url = '', headers } = request;
      origin.seen.push({ method, path: url, headers, at: request.socket.localAddress ?? '' });
      answer(request, response);
    };
    const server = tls === undefined ? createHttp(listener) : createHttps(tls, listener);
    const origin = new Origin(server);
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject);
      server.listen(port, address, resolve);
    });
    return origin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  forget(): void {
    this.seen.length = 0;
    this.connections = 0;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
