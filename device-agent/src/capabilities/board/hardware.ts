/**
 * The hardware's thread: the one place that has GPIO lines, I²C buses, serial ports and sensors open. It runs
 * no guest's code. A bus that hangs holds up who asked it, and whoever else asks that bus; all that can take
 * long is done beside the thread, and of it no more than two things at a time, since the whole agent has four
 * helpers for it.
 */
import type { MessagePort } from 'node:worker_threads';
import type { AppName } from '@wafer/protocol';
import { Holdings } from './holdings.ts';
import { Bus } from './i2c.ts';
import type { Kernel } from './kernel.ts';
import { Poller } from './poller.ts';
import { Attached } from './attached.ts';
import type { HardwareGrants, News, Order, Request, Told } from './port.ts';
import { readSensor } from './sensors.ts';

export interface HardwareOptions {
  /** Called when pins or buses are first needed; a board with sensors alone loads nothing. */
  readonly openKernel: () => Kernel;
  /** Where sysfs is mounted. */
  readonly sys: string;
}

const MAX_SLOW = 2;

/** Runs at most so many at a time, in the order in which they came. */
function narrow(width: number): <T>(run: () => Promise<T>) => Promise<T> {
  let free = width;
  const waiting: (() => void)[] = [];
  return async (run) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

export class Hardware {
  readonly #options: HardwareOptions;
  readonly #tell: (news: News) => void;
  readonly #holdings = new Map<AppName, Holdings>();
  readonly #buses = new Map<number, Bus>();
  readonly #slowly = narrow(MAX_SLOW);
  #kernel: Kernel | undefined;
  #poller: Poller | undefined;
  #watches = 0;

  constructor(options: HardwareOptions, tell: (news: News) => void) {
    this.#options = options;
    this.#tell = tell;
  }

  holdings(app: AppName): Holdings {
    const known = this.#holdings.get(app);
    if (known !== undefined) return known;
    const kernel = this.#open();
    this.#poller ??= new Poller(kernel);
    const made = new Holdings(app, kernel, this.#poller, this.#tell);
    this.#holdings.set(app, made);
    return made;
  }

  nextWatch(): number {
    return (this.#watches += 1);
  }

  retain(app: AppName, grants: readonly HardwareGrants[]): void {
    if (this.#holdings.get(app)?.retain(grants) === false) this.#holdings.delete(app);
  }

  bus(number: number): Bus {
    const bus = this.#buses.get(number) ?? new Bus(this.#open(), number);
    this.#buses.set(number, bus);
    return bus;
  }

  slowly<T>(run: () => Promise<T>): Promise<T> {
    return this.#slowly(run);
  }

  sense(request: Request & { ask: 'sense' }) {
    return this.slowly(() => readSensor(this.#options.sys, request));
  }

  async end(): Promise<void> {
    for (const holdings of this.#holdings.values()) holdings.retain([]);
    this.#poller?.close();
    await Promise.all([...this.#buses.values()].map((bus) => bus.close()));
  }

  #open(): Kernel {
    return (this.#kernel ??= this.#options.openKernel());
  }
}

/** Serves lines until it is told to end. `main` brings them. */
export function serveHardware(main: MessagePort, options: HardwareOptions): void {
  const hardware = new Hardware(options, (news) => main.postMessage(news, []));
  const ports = new Set<MessagePort>();

  const attach = ({ app, grants, port, signal }: Order & { order: 'attach' }): void => {
    const word = new Int32Array(signal);
    const tell = (told: Told): void => {
      port.postMessage(told, []);
      Atomics.add(word, 0, 1);
      Atomics.notify(word, 0);
    };
    const attached = new Attached({ hardware, app, grants, tell });
    port.on('message', (request: Request) => {
      void attached.answer(request).then((reply) => tell({ reply }));
    });
    ports.add(port);
    port.on('close', () => {
      ports.delete(port);
      attached.close();
    });
  };

  main.on('message', (order: Order) => {
    switch (order.order) {
      case 'attach':
        return attach(order);
      case 'retain':
        return hardware.retain(order.app, order.grants);
      case 'end':
        for (const port of ports) port.close();
        return void hardware.end().then(() => main.close());
    }
  });
}
