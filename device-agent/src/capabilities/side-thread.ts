/**
 * A thread beside the isolates for what guests share: stores, the network, the board's hardware. It knows nothing
 * of the agent's environment, arguments and options, and gets its port in `workerData.port`.
 */
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { threadProgram } from '../apps/worker-code.ts';

export interface SideThread {
  readonly worker: Worker;
  /** The main thread's end. */
  readonly port: MessagePort;
}

/** What the thread finds in `workerData` is its port and `data`; `ended` is called when it ends by whatever. */
export function startSideThread(
  main: URL,
  heapMiB: number,
  data: unknown,
  ended: (which: SideThread) => void,
): SideThread {
  const { port1, port2 } = new MessageChannel();
  const program = threadProgram(main);
  const worker = new Worker(program.code, {
    eval: true,
    workerData: { port: port2, data, ...program.data },
    transferList: [port2],
    env: {},
    argv: [],
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: heapMiB },
  });
  const started: SideThread = { worker, port: port1 };
  // Whoever waits for it is ended by its own deadline, and made anew with a line to the next thread.
  const once = (): void => {
    port1.close();
    ended(started);
  };
  worker.on('error', once);
  worker.on('exit', once);
  return started;
}
