/** The hardware's thread on a board. Tests name a library that stands in for the kernel, and a sysfs. */
import { workerData, type MessagePort } from 'node:worker_threads';
import { serveHardware } from './hardware.ts';
import { openKernel } from './kernel.ts';

export interface StandIn {
  readonly library: string | null;
  readonly sys: string;
}

/** What the main thread starts it with. */
export interface ThreadData extends StandIn {
  readonly addon: string;
}

const { port, data } = workerData as { port: MessagePort; data: ThreadData };

serveHardware(port, { openKernel: () => openKernel(data.library, data.addon), sys: data.sys });
