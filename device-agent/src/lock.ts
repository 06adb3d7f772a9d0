/**
 * One agent for each data folder: two would take each other's session and journal. The lock is a
 * socket in Linux's abstract namespace, which the kernel gives back however the holder died; on
 * other systems, where there is none, nobody is kept out.
 */
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';

/** Undefined when another agent holds the folder. */
export async function lockFolder(folder: string): Promise<Pick<Server, 'close'> | undefined> {
  if (process.platform !== 'linux') return { close: () => createServer() };
  const name = createHash('sha256')
    .update(await realpath(folder))
    .digest('hex')
    .slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(`\0wafer-agent-${name}`, () => {
      server.unref();
      resolve(server);
    });
  });
}
