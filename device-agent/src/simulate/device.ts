/**
 * One device of the fleet: the agent (agent.ts) with its own identity, link, trust and plans, on ground that
 * lies in memory, with an isolate that only acts as if.
 */
import { randomUUID } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { AppHealth, AppName, Digest, Report } from '@wafer/protocol';
import type { Simulation } from '@wafer/protocol/simulate';
import { startAgent, type Agent } from '../agent.ts';
import { Config } from '../config.ts';
import type { Ground, Ticks } from '../ground.ts';
import type { Inventory } from '../inventory.ts';
import type { TrustedClock } from '../link/clock.ts';
import type { Identity } from '../link/identity.ts';
import { Outbox } from '../link/outbox.ts';
import { openSecure } from '../link/secure.ts';
import type { Log } from '../log.ts';
import type { JournalState } from '../state/journal.ts';
import type { VerifierOf } from '../trust/chain.ts';
import type { FloorTable } from '../trust/floors.ts';
import type { SharedComponents } from './components.ts';
import { MemoryMetadata, MemorySlots, noLedger, withheld, type Verified } from './memory.ts';
import type { Gate } from './gate.ts';
import type { Nature } from './nature.ts';
import type { Heartbeat } from './pace.ts';
import { SimulatedRuntime } from './runtime.ts';

/** What a device keeps from one run of the fleet to the next. */
export interface Kept {
  readonly journal: JournalState;
  readonly floors: FloorTable;
  readonly verified: Verified;
  /** Of the last report that the server has, and those that it may not have. */
  readonly acked: number;
  readonly pending: readonly Report[];
}

/** What the devices of a process have in common. */
export interface Common {
  readonly simulation: Simulation;
  readonly clock: TrustedClock;
  readonly inventory: Inventory;
  readonly verifierOf: VerifierOf;
  readonly components: SharedComponents;
  readonly heartbeat: Heartbeat;
  /** Through which sessions are opened. */
  readonly gate: Gate;
  readonly log: Log;
  readonly keepCertificate: (index: number, certificate: string) => Promise<void>;
}

/** How it stands, for the figures. */
interface Standing {
  readonly running: readonly string[];
  readonly isUpdating: boolean;
  readonly hasFailed: boolean;
}

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
/** A flapping device is connected for about so long. */
const FLAP_MS = 15_000;

const config = Config.parse({});

export class SimulatedDevice {
  readonly index: number;
  readonly nature: Nature;
  standing: Standing;
  readonly #common: Common;
  readonly #identity: Identity;
  readonly #journal: MemorySlots<JournalState>;
  readonly #floors: MemorySlots<FloorTable>;
  readonly #metadata: MemoryMetadata;
  readonly #outbox: Outbox;
  #runtime: SimulatedRuntime | undefined;
  #ticks: Ticks | undefined;
  #due: NodeJS.Timeout | undefined;
  #flap: NodeJS.Timeout | undefined;
  #agent: Agent | undefined;

  constructor(common: Common, place: { index: number; nature: Nature }, identity: Identity, kept: Kept) {
    this.index = place.index;
    this.nature = place.nature;
    this.#common = common;
    this.#identity = identity;
    this.#journal = new MemorySlots(kept.journal, (state) => this.#written(state));
    this.#floors = new MemorySlots(kept.floors);
    this.#metadata = new MemoryMetadata(kept.verified);
    this.#outbox = Outbox.over(noLedger, kept.acked, kept.pending);
    this.standing = standingOf(kept.journal);
  }

  /** Resolves when it has been connected once. */
  async start(folder: string): Promise<void> {
    const ready = Promise.withResolvers<void>();
    const { simulation, log } = this.#common;
    this.#agent = await startAgent({
      folder,
      identity: this.#identity,
      config,
      log,
      ground: this.#ground(),
      onReady: ready.resolve,
      createRuntime: ({ events }) => {
        const fate = { nature: this.nature, ...simulation, isSilent: () => this.#isSilent() };
        return (this.#runtime = new SimulatedRuntime(fate, events, installed(this.#journal.value)));
      },
    });
    await ready.promise;
  }

  get isConnected(): boolean {
    return this.#agent?.isConnected === true;
  }

  get kept(): Kept {
    const { acked, pending } = this.#outbox;
    const { verified } = this.#metadata;
    return { journal: this.#journal.value, floors: this.#floors.value, verified, acked, pending };
  }

  async close(): Promise<void> {
    clearTimeout(this.#due);
    clearTimeout(this.#flap);
    await this.#agent?.close();
  }

  #ground(): Ground {
    const { clock, verifierOf, components, heartbeat, gate, keepCertificate } = this.#common;
    return {
      clock,
      outbox: withheld(this.#outbox, () => this.#isSilent()),
      journal: this.#journal,
      floors: this.#floors,
      grantUse: new MemorySlots({}),
      metadata: { store: this.#metadata, verifierOf },
      components: components.of(installed(this.#journal.value)),
      connect: async (options) => this.#connected(await gate.run(() => openSecure(options))),
      keepCertificate: (certificate) => keepCertificate(this.index, certificate),
      health: (apps) => ({ report: () => Promise.resolve(this.#health(apps())) }),
      inventory: this.#inventory(),
      pace: (ticks) => {
        this.#ticks = ticks;
        return heartbeat.join(ticks);
      },
    };
  }

  #inventory(): Inventory {
    const { serial: _, ...common } = this.#common.inventory;
    return {
      ...common,
      boot: randomUUID(),
      arch: this.nature.architecture,
      hostname: nameOf(this.index),
      board: 'simulated',
      cores: 4,
      memoryBytes: GIB,
    };
  }

  #health(apps: AppHealth[]) {
    const share = this.nature.draw('load');
    return {
      at: new Date(this.#common.clock.now()).toISOString(),
      uptimeSeconds: Math.round(performance.now() / 1000),
      cpu: share / 4,
      memory: { usedBytes: Math.round((0.2 + share / 2) * GIB), totalBytes: GIB },
      agentBytes: 60 * MIB,
      disk: { usedBytes: Math.round((1 + share) * GIB), totalBytes: 4 * GIB },
      apps,
    };
  }

  /** While it brings a release that it is to be silent about. */
  #isSilent(): boolean {
    if (this.nature.behaviour !== 'silent') return false;
    return Object.values(this.#journal.value.apps).some((record) => {
      const order = record?.attempt?.release.order;
      return order !== undefined && this.#runtime?.isMeant(order.version, order.target.sha256) === true;
    });
  }

  #connected(socket: TLSSocket): TLSSocket {
    if (this.nature.behaviour === 'flapping') {
      clearTimeout(this.#flap);
      this.#flap = setTimeout(() => socket.destroy(), (0.5 + Math.random()) * FLAP_MS);
    }
    return socket;
  }

  /** Looks again when the soak is over, without being asked every moment. */
  #written(state: JournalState): void {
    this.standing = standingOf(state);
    const ends = Object.values(state.apps).flatMap((record) => record?.soak?.until ?? []);
    clearTimeout(this.#due);
    if (ends.length === 0) return;
    const inMs = Math.max(0, Math.min(...ends) - this.#common.clock.now());
    this.#due = setTimeout(() => this.#ticks?.look(), inMs + 1);
  }
}

export const nameOf = (index: number): string => `simulated-${String(index).padStart(5, '0')}`;

const installed = ({ apps }: JournalState): Digest[] =>
  Object.values(apps).flatMap((record) =>
    [record?.current, record?.previous].flatMap((release) => release?.order.target.sha256 ?? []),
  );

function standingOf({ apps, ended, desired }: JournalState): Standing {
  const records = Object.entries(apps) as [AppName, NonNullable<(typeof apps)[AppName]>][];
  const running = records.flatMap(([app, { current }]) =>
    current === null ? [] : [`${app} ${current.order.version}`],
  );
  const isUpdating = records.some(([, { attempt, soak }]) => attempt !== null || soak !== null);
  const last = ended.at(-1)?.execution;
  const ordered = (desired?.signed['apps'] ?? []) as readonly { execution?: unknown }[];
  return { running, isUpdating, hasFailed: ordered.some(({ execution }) => execution === last) };
}
