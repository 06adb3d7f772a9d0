/** The network thread, with the board's own resolver and the certificates that the agent's process trusts. */
import { lookup } from 'node:dns/promises';
import { workerData, type MessagePort } from 'node:worker_threads';
import { serveNetwork } from './network.ts';
import type { Trusted } from './networks.ts';

const { port, data } = workerData as { port: MessagePort; data: Trusted };

serveNetwork(port, {
  ca: data.ca,
  lookup: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
});
