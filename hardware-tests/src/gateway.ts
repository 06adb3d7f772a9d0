/**
 * A gateway between one board and the broker that sees, counts and can alter what passes: the
 * attacker in the middle whom TLS does not stop, because it holds the broker's key and the board's.
 * Journeys use it to prove where a component came from and that an altered one is refused.
 */
import { once } from 'node:events';
import { createServer, connect, type TLSSocket } from 'node:tls';
import { decodeFrame, encodeFrame } from '@wafer/protocol';
import { generate, parser, type Packet } from 'mqtt-packet';

export interface GatewayOptions {
  /** The broker's own key and certificate chain, PEM. */
  readonly broker: { readonly key: string; readonly cert: string };
  /** The board's key, certificate and CA, PEM. */
  readonly board: { readonly key: string; readonly cert: string; readonly ca: string };
  readonly upstream: { readonly host: string; readonly port: number };
}

export class Gateway {
  /** Chunk answers that went to the board, and their bytes on the wire. */
  readonly delivered = { chunks: 0, bytes: 0 };
  port = 0;
  /** Told of everything that the board publishes. */
  onUp: (topic: string, payload: Buffer) => void = () => {};
  #altering = false;
  #altered = 0;
  #isCut = false;
  #board: TLSSocket | undefined;
  /** Ids of the board's requests for chunks, as they pass. */
  readonly #chunkRequests = new Set<number>();
  readonly #sockets = new Set<TLSSocket>();
  readonly #server;
  readonly #options: GatewayOptions;

  private constructor(options: GatewayOptions) {
    this.#options = options;
    this.#server = createServer(
      { key: options.broker.key, cert: options.broker.cert, ca: options.board.ca, requestCert: true },
      (socket) => this.#bridge(socket),
    );
  }

  static async open(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options);
    gateway.#server.listen(0, '127.0.0.1');
    await once(gateway.#server, 'listening');
    const address = gateway.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the gateway has no port');
    gateway.port = address.port;
    return gateway;
  }

  /** From now on one byte of every chunk is flipped. */
  alterChunks(on: boolean): void {
    this.#altering = on;
  }

  get altered(): number {
    return this.#altered;
  }

  /** From now on the line is dead, or works again; whoever has it open loses it. */
  cut(isCut: boolean): void {
    this.#isCut = isCut;
    if (isCut) for (const socket of this.#sockets) socket.destroy();
  }

  /** Sends the board a message that the server never sent. */
  inject(topic: string, payload: string): void {
    this.#board?.write(generate({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false }));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #bridge(board: TLSSocket): void {
    if (this.#isCut) {
      board.destroy();
      return;
    }
    const { upstream, board: identity } = this.#options;
    const broker = connect({ ...upstream, ...identity });
    this.#board = board;
    for (const [from, to, pass] of [
      [board, broker, (packet: Packet) => this.#up(packet)],
      [broker, board, (packet: Packet) => this.#down(packet)],
    ] as const) {
      this.#sockets.add(from);
      const parse = parser();
      parse.on('packet', (packet: Packet) => to.write(generate(pass(packet))));
      from.on('data', (bytes: Buffer) => parse.parse(bytes));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.end();
      });
    }
  }

  #up(packet: Packet): Packet {
    if (packet.cmd !== 'publish') return packet;
    this.onUp(packet.topic, Buffer.from(packet.payload));
    if (packet.topic.endsWith('/request')) {
      const request = JSON.parse(packet.payload.toString()) as { id: number; want: string };
      if (request.want === 'chunk') this.#chunkRequests.add(request.id);
    }
    return packet;
  }

  #down(packet: Packet): Packet {
    if (packet.cmd !== 'publish' || !packet.topic.endsWith('/response')) return packet;
    const frame = decodeFrame(Buffer.from(packet.payload));
    const header = frame?.header as { id: number; status: string } | undefined;
    if (frame === undefined || header?.status !== 'ok' || !this.#chunkRequests.delete(header.id))
      return packet;
    this.delivered.chunks += 1;
    this.delivered.bytes += packet.payload.length;
    if (!this.#altering) return packet;
    this.#altered += 1;
    const body = Buffer.from(frame.body);
    const middle = body.length >> 1;
    body[middle] = (body[middle] ?? 0) ^ 1;
    return { ...packet, payload: encodeFrame(header, body) };
  }
}
