/** One guest's line to the hardware, in the hardware's thread: what it may ask, and the answer. */
import { setTimeout as pause } from 'node:timers/promises';
import type { AppName } from '@wafer/protocol';
import type { Hardware } from './hardware.ts';
import type { HardwareGrants, Reply, Request, Told } from './port.ts';

const MAX_READ_BYTES = 4096;
const WRITE_PATIENCE_MS = 10_000;
const WRITE_PAUSE_MS = 5;

interface AttachedOptions {
  readonly hardware: Hardware;
  readonly app: AppName;
  readonly grants: HardwareGrants;
  readonly tell: (told: Told) => void;
}

function failure(error: unknown): Reply {
  const isSystem = error instanceof Error && 'code' in error && typeof error.code === 'string';
  return {
    status: 'error',
    code: isSystem ? String(error.code) : 'failed',
    message: error instanceof Error ? error.message : String(error),
  };
}

/** One guest's line. */
export class Attached {
  readonly #hardware: Hardware;
  readonly #app: AppName;
  readonly #grants: HardwareGrants;
  readonly #tell: (told: Told) => void;
  readonly #unwatch = new Map<number, () => void>();

  constructor({ hardware, app, grants, tell }: AttachedOptions) {
    this.#hardware = hardware;
    this.#app = app;
    this.#grants = grants;
    this.#tell = tell;
  }

  close(): void {
    for (const unwatch of this.#unwatch.values()) unwatch();
  }

  async answer(request: Request): Promise<Reply> {
    if (!this.#covers(request)) return { status: 'error', code: 'EPERM', message: 'it was not granted' };
    try {
      return await this.#do(request);
    } catch (error) {
      // Unplugged, or its far end is gone: EIO, ENXIO, ENODEV.
      if ('device' in request && request.ask !== 'sense')
        this.#hardware.holdings(this.#app).dropPort(request.device);
      return failure(error);
    }
  }

  /** The guest's side has judged it already; this side trusts no other. */
  #covers(request: Request): boolean {
    const { gpio, i2c, serial, sensors } = this.#grants;
    if ('at' in request) {
      const { at, config } = request;
      return gpio.some(
        ({ chip, line, direction }) => chip === at.chip && line === at.line && direction === config.direction,
      );
    }
    switch (request.ask) {
      case 'transact':
        return i2c.some(({ bus, address }) => bus === request.bus && address === request.address);
      case 'sense':
        return sensors.some(({ kind, device }) => kind === request.kind && device === request.device);
      case 'unwatch':
      case 'forward':
        return true;
      case 'serial-open':
      case 'serial-read':
      case 'serial-watch':
      case 'serial-write':
        return serial.some(({ device }) => device === request.device);
    }
  }

  async #do(request: Request): Promise<Reply> {
    const hardware = this.#hardware;
    switch (request.ask) {
      case 'take': {
        const { at, config, isActive } = request;
        const { line } = hardware.holdings(this.#app).line(at, config, isActive);
        if (isActive !== undefined) line.set(isActive);
        return { status: 'state', isActive: config.direction === 'out' ? line.isActive : line.read() };
      }
      case 'get': {
        const { line } = hardware.holdings(this.#app).line(request.at, request.config);
        return {
          status: 'state',
          isActive: request.config.direction === 'out' ? line.isActive : line.read(),
        };
      }
      case 'set':
        hardware.holdings(this.#app).line(request.at, request.config).line.set(request.isActive);
        return { status: 'done' };
      case 'watch':
        return this.#watchLine(request);
      case 'transact': {
        const bus = hardware.bus(request.bus);
        return {
          status: 'read',
          bytes: await hardware.slowly(() => bus.transact(request.address, request.operations)),
        };
      }
      case 'serial-open':
        hardware.holdings(this.#app).port(request.device, this.#grants);
        return { status: 'done' };
      case 'serial-read': {
        const port = hardware.holdings(this.#app).port(request.device, this.#grants);
        return { status: 'read', bytes: [port.read(Math.min(request.max, MAX_READ_BYTES))] };
      }
      case 'serial-watch':
        return this.#watchSerial(request.device);
      case 'serial-write':
        return this.#write(request);
      case 'sense':
        return { status: 'sensed', readings: await hardware.sense(request) };
      case 'forward':
        return { status: 'forwarding', absent: hardware.holdings(this.#app).forward(this.#grants) };
      case 'unwatch':
        this.#unwatch.get(request.watch)?.();
        this.#unwatch.delete(request.watch);
        return { status: 'done' };
    }
  }

  #watchLine({ at, config, on }: Request & { ask: 'watch' }): Reply {
    const held = this.#hardware.holdings(this.#app).line(at, config);
    const watch = this.#hardware.nextWatch();
    const isReady = held.watch(watch, on, () => this.#ready(watch));
    if (!isReady) this.#unwatch.set(watch, () => held.unwatch(watch));
    return { status: 'watching', watch, isReady };
  }

  #watchSerial(device: string): Reply {
    const watch = this.#hardware.nextWatch();
    const unwatch = this.#hardware
      .holdings(this.#app)
      .awaitInput(device, this.#grants, () => this.#ready(watch));
    this.#unwatch.set(watch, unwatch);
    return { status: 'watching', watch, isReady: false };
  }

  #ready(watch: number): void {
    this.#unwatch.delete(watch);
    this.#tell({ ready: watch });
  }

  /** Until the kernel has taken all of it; a line that is held by its far end is not waited for for ever. */
  async #write({ device, bytes }: Request & { ask: 'serial-write' }): Promise<Reply> {
    const until = performance.now() + WRITE_PATIENCE_MS;
    for (let at = 0; ;) {
      at += this.#hardware.holdings(this.#app).port(device, this.#grants).write(bytes.subarray(at));
      if (at === bytes.length) return { status: 'done' };
      if (performance.now() > until) throw new Error(`the line took ${at} of ${bytes.length} bytes`);
      await pause(WRITE_PAUSE_MS);
    }
  }
}
