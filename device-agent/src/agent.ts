/**
 * The device agent, in boot order. Parties: the board's owner (agent.yaml caps everything), the
 * server (says what to run, and is believed only as far as publishers signed it), the guests (have
 * what they were granted), the power (may go at any instant).
 *
 * Invariants: what is installed starts from disk, before and without any network; whatever the
 * server or the broker sends is parsed before it is used and never ends this process; everything
 * that must reach the server goes through the outbox.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { selfTestFault, type Clock, type Fault, type SelfTest } from '@wafer/protocol';
import type { RuntimeOptions, Runtime } from './apps/runtime.ts';
import { fetchBlob } from './apps/fetch.ts';
import { BlobStore } from './apps/store.ts';
import { secretOpener } from './apps/unseal.ts';
import type { Config } from './config.ts';
import { byTimers, type Ground } from './ground.ts';
import { createHealth } from './health.ts';
import { takeInventory } from './inventory.ts';
import { openClock } from './link/clock.ts';
import { LogBatches } from './link/guests.ts';
import { replaceCertificate, type Identity } from './link/identity.ts';
import { createInbox } from './link/inbox.ts';
import { openSession, type Session } from './link/mqtt.ts';
import { Outbox, type Reports } from './link/outbox.ts';
import { createRenewal, type Renewal } from './link/renewal.ts';
import { Reporter } from './link/reporter.ts';
import { createRequests, type Requests } from './link/requests.ts';
import { createTelling, type Telling } from './link/telling.ts';
import { createTimekeeper, type Timekeeper } from './link/timekeeper.ts';
import { reason, type Log } from './log.ts';
import type { Pressure } from './memory/pressure.ts';
import { profileOf } from './memory/profile.ts';
import { readMemory, type MemorySensor } from './memory/sensor.ts';
import { watchMemory } from './memory/watch.ts';
import type { Board } from './state/board.ts';
import { appsHealth } from './state/health.ts';
import { Journal } from './state/journal.ts';
import { GrantUse } from './state/grant-use.ts';
import { createMachine, type Machine } from './state/machine.ts';
import { Senses } from './state/sample.ts';
import { Floors } from './trust/floors.ts';
import { Trust } from './trust/updater.ts';
import type { Pulse } from './watchdog.ts';

export interface AgentOptions {
  readonly folder: string;
  readonly identity: Identity;
  readonly config: Config;
  readonly log: Log;
  /** What stands in for the folder, the board and the timers. */
  readonly ground?: Ground;
  readonly createRuntime: (options: RuntimeOptions) => Runtime | Promise<Runtime>;
  /** Tests the board, or says how it did before; without it nobody knows, and apps run. */
  readonly selfTest?: (clock: Clock) => Promise<SelfTest>;
  /** What is left of the board's memory; what the system says, unless given. */
  readonly memory?: MemorySensor;
  /** Called at the first connect. */
  readonly onReady: () => void;
  /** The server has a report that it had not when this process began. */
  readonly onAcknowledged?: () => void;
  /** Called whenever it looks what there is to do, with how it is. */
  readonly onLook?: (pulse: Pulse) => void;
}

export interface Agent {
  /** Whether there is a session now. */
  readonly isConnected: boolean;
  /** Says offline, ends the guests, closes the files. */
  close(): Promise<void>;
}

const SECOND_MS = 1000;
const CLOSE_STEPS_MS = 3000;

/** The parts that know each other; `session` comes last and may be absent at any time before. */
interface Parts {
  readonly options: AgentOptions;
  readonly board: Board;
  readonly outbox: Reports;
  readonly reporter: Reporter;
  readonly requests: Requests;
  readonly telling: Telling;
  readonly machine: Machine;
  /** Absent where memory is not the agent's to watch. */
  readonly pressure: Pressure | undefined;
  readonly renewal: Renewal;
  readonly timekeeper: Timekeeper;
  session: Session | undefined;
}

export async function startAgent(options: AgentOptions): Promise<Agent> {
  const parts = await openParts(options);
  // What is installed starts now, whether or not there is a network.
  await parts.machine.orders.restore();
  parts.machine.runner.wake();
  parts.session = connect(parts);
  const stop = startTicking(parts);
  return {
    get isConnected() {
      return parts.session?.connected === true;
    },
    close: () => close(parts, stop),
  };
}

async function openParts(options: AgentOptions): Promise<Parts> {
  const { folder, identity, config, log, ground } = options;
  const onDiskError = (error: unknown) => log('error', 'the disk refused a write', { reason: reason(error) });

  // What is on disk.
  const clock = ground?.clock ?? (await openClock(folder));
  const tested = await options.selfTest?.(clock);
  const outbox = ground?.outbox ?? (await Outbox.open(folder));
  const reporter = new Reporter({
    outbox,
    clock,
    send: (message) => parts.session?.publish('report', message, 1) ?? false,
    onDiskError,
  });
  const requests = createRequests({
    send: (request) => parts.session?.publish('request', JSON.stringify(request)),
  });
  const journal = await Journal.open({
    folder,
    slots: ground?.journal,
    deliver: (event) => reporter.deliver(event),
    onDiskError,
  });
  const trust = await Trust.open({ folder, requests, clock, ...ground?.metadata });
  const floors = await Floors.open(folder, ground?.floors);
  const grantUse = await GrantUse.open({
    folder,
    slots: ground?.grantUse,
    grantsOf: (app) => journal.record(app).current?.order.grants,
    suggestAfterHours: config.suggestAfterHours,
    now: () => performance.now(),
    onDiskError,
  });
  const components = ground?.components ?? (await openComponents(folder));
  const timekeeper = createTimekeeper({
    device: identity.device,
    requests,
    trust,
    clock,
    log,
    monotonic: () => performance.now(),
  });

  // What runs guests, and what decides.
  const sensor = ground === undefined ? (options.memory ?? readMemory) : undefined;
  const profile = profileOf(sensor?.()?.totalBytes ?? Infinity);
  const logs = new LogBatches();
  const runtime = await options.createRuntime({
    folder: join(folder, 'prepared'),
    storesFolder: join(folder, 'stores'),
    isolates: config.isolates ?? profile.isolates,
    isExpectingGuests: Object.values(journal.state.apps).some((app) => app?.current != null),
    transpilerMiB: profile.transpilerMiB,
    openSecrets: secretOpener(identity.device, identity.key),
    wallNow: () => clock.now(),
    events: {
      fault: (app, version, fault, count) => machine.watch.fault(app, version, fault, count),
      publish: (app, topic, payload) => parts.session?.publishGuest(app, topic, payload),
      used: (app, grants) => grantUse.used(app, grants),
      log: (app, lines, dropped) => logs.add(app, lines, dropped),
    },
  });
  const board: Board = {
    journal,
    refusalOf: (app) => selfTestFault(tested, app),
    isMemoryShort: () => pressure?.isShort === true,
    senses: new Senses(),
    store: components.store,
    fetch: components.fetch,
    floors,
    runtime,
    requests,
    clock,
    log,
    report: (event) => reporter.note(event),
    reportFault: (app, version, fault, count) => {
      const isNews = reporter.fault(fault, app, version, count);
      if (isNews) log('warn', 'fault', { app, version, fault });
    },
  };
  const wake = () => machine.runner.wake();
  const pressure = sensor && watchMemory({ board, sensor, profile, wake });
  const machine = createMachine({
    board,
    device: identity.device,
    policy: config.policy,
    trust,
    reportFault: (fault) => {
      log('warn', 'fault', { fault });
      reporter.fault(fault);
    },
    onChange: () => telling.apps(),
    onDiskError,
  });

  // What is told.
  const apps = () => grantUse.tell(appsHealth(board));
  const telling = createTelling({
    session: () => parts.session,
    board,
    reporter,
    health: ground === undefined ? createHealth({ dataFolder: folder, clock, apps }) : ground.health(apps),
    logs,
    inventory: {
      ...(ground?.inventory ?? (await takeInventory(randomUUID(), config.policy))),
      ...(tested === undefined ? {} : { selfTest: tested }),
    },
    log,
  });
  const parts: Parts = {
    options,
    board,
    outbox,
    reporter,
    requests,
    telling,
    machine,
    pressure,
    renewal: createRenewal({
      keep: ground?.keepCertificate ?? ((certificate) => replaceCertificate(folder, certificate)),
      identity,
      clock,
      log,
      monotonic: () => performance.now(),
    }),
    timekeeper,
    session: undefined,
  };
  await journal.deliverLeftovers();
  const refusal = selfTestFault(tested);
  if (refusal !== undefined) tellRefusal(parts, refusal);
  return parts;
}

function tellRefusal({ options, reporter }: Parts, refusal: Fault): void {
  options.log('error', 'this board runs no app', { fault: refusal });
  reporter.fault(refusal);
}

/** The link: what comes goes through the inbox; what is owed is said at every connect. */
function connect(parts: Parts): Session {
  const { options, board, reporter, requests, telling, machine, renewal, timekeeper } = parts;
  const { identity, config, log, onReady } = options;
  const { orders, runner } = machine;
  let isFirst = true;
  const ackedBefore = parts.outbox.acked;
  return openSession({
    identity,
    broker: config.broker,
    clock: board.clock,
    connect: options.ground?.connect,
    certificate: () => renewal.certificate,
    log,
    events: {
      message: createInbox({
        device: identity.device,
        requests,
        runtime: board.runtime,
        log,
        onDesired: (payload) => orders.receive(payload),
        onAck: (ack) => {
          reporter.acknowledged(ack);
          if (ack.number > ackedBefore) options.onAcknowledged?.();
        },
        onReportHealth: () => telling.health(),
        onRestart: (app) => {
          if (board.journal.record(app).current !== null) board.senses.of(app).restartAsked = true;
          runner.wake();
        },
      }),
      refused: () => renewal.refused(),
      disconnected: () => log('info', 'disconnected'),
      connected: () => {
        log('info', 'connected', { device: identity.device });
        telling.hello();
        reporter.connected();
        requests.reconnected();
        timekeeper.connected();
        orders.retryNow();
        telling.health();
        if (isFirst) onReady();
        isFirst = false;
      },
    },
  });
}

async function openComponents(folder: string): Promise<Ground['components']> {
  const store = await BlobStore.open(folder);
  return { store, fetch: (wanted, context) => fetchBlob(wanted, { store, ...context }) };
}

/** Answers what ends it. */
function startTicking(parts: Parts): () => void {
  const { options, board, machine, pressure, reporter, telling, renewal, timekeeper } = parts;
  const { ground, config } = options;
  const pace = ground?.pace ?? byTimers(config.health.everySeconds * SECOND_MS);
  return pace({
    look() {
      options.onLook?.({ sincePlanMs: machine.sincePlanMs(), overdueMs: board.runtime.overdueMs() });
      pressure?.tick();
      machine.watch.tick();
      machine.runner.wake();
    },
    tend() {
      reporter.tick();
      machine.orders.tick();
      telling.logLines();
      renewal.tick();
      if (parts.session?.connected === true) timekeeper.tick();
    },
    tellHealth: () => telling.health(),
  });
}

async function close(parts: Parts, stopTicking: () => void): Promise<void> {
  const { machine, requests, reporter, board, outbox } = parts;
  stopTicking();
  const ended = machine.runner.close();
  reporter.close();
  await parts.session?.close();
  const judged = machine.orders.close();
  requests.close();
  await judged;
  // A swap is not broken off, but it is not waited out either: the journal knows of it.
  let late: NodeJS.Timeout | undefined;
  await Promise.race([ended, new Promise((resolve) => (late = setTimeout(resolve, CLOSE_STEPS_MS)))]);
  clearTimeout(late);
  await board.runtime.close();
  await outbox.close();
}
