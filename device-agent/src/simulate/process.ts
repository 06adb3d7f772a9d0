/** The process of a simulated fleet: orders on standard input, events on standard output (protocol/simulate.ts). */
import { createInterface } from 'node:readline';
import { SimulateOrder, type SimulateEvent } from '@wafer/protocol/simulate';
import { tellFailure } from '../failure.ts';
import { SimulatedFleet } from './fleet.ts';

const FIGURES_EVERY_MS = 1000;

/** Ends with the `stop` order or with its input. */
export async function simulateProcess(): Promise<void> {
  // Whoever listened is gone: the end of the input follows, and ends this process in good order.
  process.stdout.on('error', () => undefined);
  // Ctrl-C at a terminal reaches every process there; the one that started this one decides.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => process.stdin.destroy());
  const tell = (event: SimulateEvent): void => void process.stdout.write(`${JSON.stringify(event)}\n`);

  let fleet: SimulatedFleet | undefined;
  let figures: NodeJS.Timeout | undefined;
  const failed = Promise.withResolvers<never>();
  const run = (work: Promise<void>): void => void work.catch(failed.reject);

  const begin = async (order: Extract<SimulateOrder, { order: 'begin' }>): Promise<void> => {
    fleet = await SimulatedFleet.open({ simulation: order.simulation, tell });
    if (fleet.needs === 0) await connect(fleet);
  };
  const connect = async (opened: SimulatedFleet): Promise<void> => {
    figures = setInterval(() => tell({ event: 'figures', figures: opened.figures() }), FIGURES_EVERY_MS);
    await opened.connect();
  };
  const enrol = async ({ token, server }: Extract<SimulateOrder, { order: 'enrol' }>): Promise<void> => {
    if (fleet === undefined) throw new Error('enrol came before begin');
    await fleet.enrol(token, server);
    await connect(fleet);
  };
  const orders = async (): Promise<void> => {
    for await (const line of createInterface({ input: process.stdin })) {
      const order = SimulateOrder.parse(JSON.parse(line));
      switch (order.order) {
        case 'begin':
          run(begin(order));
          break;
        case 'enrol':
          run(enrol(order));
          break;
        case 'stop':
          return;
      }
    }
  };

  let code = 0;
  try {
    await Promise.race([orders(), failed.promise]);
  } catch (error) {
    tellFailure(error);
    code = 1;
  }
  clearInterval(figures);
  await fleet?.close();
  process.exit(code);
}
