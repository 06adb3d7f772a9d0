/** The network thread, with the board's own resolver and the certificates that Node trusts. */
import { lookup } from 'node:dns/promises';
import { workerData, type MessagePort } from 'node:worker_threads';
import { serveNetwork } from './network.ts';

const { port } = workerData as { port: MessagePort };

serveNetwork(port, {
  lookup: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
});
