/**
 * A simulated fleet: many devices in one process, for load tests and for trying a rollout before doing it.
 *
 * Parties: the server, which cannot tell these devices from others, but by what they say of themselves (a
 * board named "simulated"); whoever started this process (`wafer simulate`, over a pipe), who gives it a
 * claim token; the folder that keeps the fleet. Each device is the agent itself: it has its own key and
 * certificate, opens its own TLS session, says hello, keeps its reports until they are acknowledged, verifies
 * what it is sent, and plans. Simulated are the isolate (runtime.ts), the disk (memory.ts) and the board's
 * measurements. Shared, and why that leaves no check out: ../trust/shared.ts, components.ts.
 *
 * Invariants: which device does what follows from the seed and its number (nature.ts); a device of the same
 * number is the same device in every run on the same folder.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { WaferError } from '@wafer/protocol';
import type { SimulateEvent, SimulateFigures, Simulation } from '@wafer/protocol/simulate';
import { takeInventory } from '../inventory.ts';
import { openClock, type TrustedClock } from '../link/clock.ts';
import { claimIdentity } from '../link/enrol.ts';
import type { Log } from '../log.ts';
import { sharedVerification } from '../trust/shared.ts';
import { SharedComponents } from './components.ts';
import { nameOf, SimulatedDevice, type Common, type Kept } from './device.ts';
import { FleetFolder } from './keep.ts';
import { Gate } from './gate.ts';
import { census, natureOf } from './nature.ts';
import { Heartbeat } from './pace.ts';

export interface FleetOptions {
  readonly simulation: Simulation;
  readonly tell: (event: SimulateEvent) => void;
}

/** At one time: more would only wait for each other, and for the server. */
const ENROLLING = 16;
const CONNECTING = 32;
const CLOSING = 64;
const CLOCK_ASKED_EVERY_MS = 60_000;

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)$/;

/** Runs `each` for all of `items`, at most `width` at a time. Rejects with the first that failed. */
async function inParallel<T>(
  items: readonly T[],
  width: number,
  each: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await each(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
}

/** The machine's one clock, for every device on it. */
async function openSharedClock(folder: string): Promise<TrustedClock> {
  const clock = await openClock(folder);
  let askedAt = performance.now();
  return {
    ...clock,
    async sample() {
      if (performance.now() - askedAt < CLOCK_ASKED_EVERY_MS) return;
      askedAt = performance.now();
      await clock.sample();
    },
  };
}

export class SimulatedFleet {
  readonly #options: FleetOptions;
  readonly #folder: FleetFolder;
  readonly #common: Common;
  #devices: readonly SimulatedDevice[] = [];
  #isClosing = false;

  private constructor(options: FleetOptions, folder: FleetFolder, common: Common) {
    this.#options = options;
    this.#folder = folder;
    this.#common = common;
  }

  static async open(options: FleetOptions): Promise<SimulatedFleet> {
    const { simulation, tell } = options;
    const folder = await FleetFolder.open(simulation.folder);
    if (folder.server !== undefined) refuseAway(folder.server, simulation);
    const fleet = new SimulatedFleet(options, folder, {
      simulation,
      clock: await openSharedClock(simulation.folder),
      inventory: await takeInventory(randomUUID(), {}),
      verifierOf: sharedVerification(),
      components: await SharedComponents.open(simulation.folder),
      heartbeat: new Heartbeat(simulation.healthEverySeconds * 1000),
      gate: new Gate(CONNECTING),
      log: warningsTo(tell),
      keepCertificate: (index, certificate) => folder.renewed(index, certificate),
    });
    tell({ event: 'fleet', ...census(simulation), needs: fleet.#missing.length });
    return fleet;
  }

  /** Devices of this fleet that are not enrolled yet. */
  get #missing(): number[] {
    const all = Array.from({ length: this.#options.simulation.devices }, (_, index) => index);
    return all.filter((index) => !this.#folder.has(index));
  }

  get needs(): number {
    return this.#missing.length;
  }

  /** Rejects with a WaferError whose code is the server's where the server refused. */
  async enrol(token: string, server: string): Promise<void> {
    const { simulation, tell } = this.#options;
    refuseAway(server, simulation);
    const missing = this.#missing;
    let done = 0;
    let ca: string | undefined;
    await inParallel(missing, ENROLLING, async (index) => {
      if (this.#isClosing) return;
      const { architecture } = natureOf(simulation, index);
      const claim = { token, server, clock: this.#common.clock, ca };
      const claimed = await claimIdentity(claim, { hostname: nameOf(index), arch: architecture });
      ca = claimed.identity.ca;
      await this.#folder.add(index, claimed);
      done += 1;
      tell({ event: 'enrolled', done, of: missing.length });
    });
  }

  /** Resolves when every device has been connected once. */
  async connect(): Promise<void> {
    const { simulation, tell } = this.#options;
    const since = performance.now();
    const before = process.memoryUsage().rss;
    this.#devices = Array.from({ length: simulation.devices }, (_, index) => {
      const place = { index, nature: natureOf(simulation, index) };
      return new SimulatedDevice(this.#common, place, this.#folder.identity(index), this.#folder.kept(index));
    });
    let done = 0;
    await inParallel(this.#devices, CONNECTING, async (device) => {
      if (this.#isClosing) return;
      await device.start(simulation.folder);
      done += 1;
      tell({ event: 'connected', done, of: simulation.devices });
    });
    const bytes = Math.max(0, process.memoryUsage().rss - before);
    tell({
      event: 'ready',
      devices: done,
      seconds: (performance.now() - since) / 1000,
      bytesPerDevice: Math.round(bytes / simulation.devices),
    });
  }

  figures(): SimulateFigures {
    const running: Record<string, number> = {};
    for (const device of this.#devices) {
      for (const release of device.standing.running) running[release] = (running[release] ?? 0) + 1;
    }
    const count = (is: (device: SimulatedDevice) => boolean): number => this.#devices.filter(is).length;
    const { user, system } = process.cpuUsage();
    return {
      devices: this.#options.simulation.devices,
      online: count(({ isConnected }) => isConnected),
      updating: count(({ standing }) => standing.isUpdating),
      failed: count(({ standing }) => standing.hasFailed),
      running,
      memoryBytes: process.memoryUsage().rss,
      cpuMs: (user + system) / 1000,
    };
  }

  /** Every device says offline, and what it holds is kept. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#common.heartbeat.close();
    await inParallel(this.#devices, CLOSING, (device) => device.close());
    const kept = new Map<number, Kept>(this.#devices.map((device) => [device.index, device.kept]));
    // While devices are still being enrolled, there is nothing that they hold.
    if (kept.size > 0) await this.#folder.end(kept);
    await sleep(0);
  }
}

/** A server elsewhere has people whose lists, alerts and disks these devices would fill. */
function refuseAway(server: string, { mayLeaveThisMachine }: Simulation): void {
  const { hostname } = new URL(server);
  if (mayLeaveThisMachine || LOOPBACK.test(hostname)) return;
  throw new WaferError(
    'request.invalid',
    `${server} is not on this machine: its people would see these devices among their own`,
  );
}

/** Devices say the same things: each is told once, with what one of them added. */
function warningsTo(tell: FleetOptions['tell']): Log {
  const told = new Set<string>();
  return (level, message, details = {}) => {
    if (level !== 'warn' && level !== 'error') return;
    const why = details['reason'] ?? details['error'];
    const text = typeof why === 'string' ? `${message}: ${why}` : message;
    const isFaultOfARelease = message === 'fault';
    if (isFaultOfARelease || told.has(text) || told.size > 100) return;
    told.add(text);
    tell({ event: 'warning', text });
  };
}
