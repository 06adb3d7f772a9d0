/**
 * What a rollout costs, and how soon it stops: simulated devices on their own TLS sessions, three waves, one
 * build in fifty of which is bad, all on one machine.
 *
 * A round brings one release to everyone (`devices-per-minute`, `server-cpu`), and then another that
 * stops at its twentieth failure (`halt`, `past-gate`). The peer is the same number of devices that poll a
 * classic update server on the same Postgres, over connections that stay open, with no pause between polls.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Database } from './database.ts';
import { credentialsOf, Fleet } from './fleet.ts';
import { Polling } from './polling.ts';
import { cpuMsOf } from './processes.ts';
import { median, type Result } from './report.ts';
import { Simulated } from './simulated.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/echo-c/', import.meta.url));
const BAD_PERCENT = 2;
/** Failures of one wave that stop it: some of those that will come, early. */
const stopAt = (devices: number): number => Math.min(20, Math.ceil(devices / 200));
/** Writes that the limit of a halt is the median of. */
const WRITES = 20;
const QUIET_WITHIN_MS = 120_000;
const OVER_WITHIN_MS = 600_000;

export interface RolloutOptions {
  readonly devices: number;
  readonly rounds: number;
}

interface Throughput {
  readonly seconds: number;
  readonly serverMs: number;
  readonly databaseMs: number;
  readonly fleetMs: number;
  readonly rows: number;
  readonly bytes: number;
}

interface Halt {
  readonly seconds: number;
  /** Of one committed write: no stop is sooner. */
  readonly writeSeconds: number;
  readonly pastGate: number;
  readonly started: number;
}

/** A component is a release of its own when its bytes differ: a custom section says which. */
function componentOf(version: string): Buffer {
  const name = Buffer.from('release');
  const content = Buffer.concat([Buffer.from([name.length]), name, Buffer.from(version)]);
  return Buffer.concat([readFileSync(join(EXAMPLE, 'echo.wasm')), Buffer.from([0, content.length]), content]);
}

class Measurement {
  readonly #fleet: Fleet;
  readonly #database: Database;
  readonly #devices: number;
  #last = 0;

  constructor(fleet: Fleet, database: Database, devices: number) {
    this.#fleet = fleet;
    this.#database = database;
    this.#devices = devices;
  }

  async #publish(): Promise<string> {
    this.#last += 1;
    const version = `1.0.${this.#last}`;
    const file = join(this.#fleet.folder, `echo-${version}.wasm`);
    writeFileSync(file, componentOf(version));
    const release = ['--app', 'echo-c', '--version', version, '--manifest', join(EXAMPLE, 'wafer.yaml')];
    const keys = join(this.#fleet.folder, 'keys');
    await this.#fleet.wafer('publish', file, ...release, '--no-channel', '--keys', keys);
    return version;
  }

  /** The rollout's id, once it is stored. */
  async #create(gate: object, inFlight: number): Promise<string> {
    const version = await this.#publish();
    // The bad ones fail again and again; at rest they would fail in no later round.
    await this.#database.sql`delete from device_rests`;
    const file = join(this.#fleet.folder, `${version}.json`);
    const waves = [1, 10, 100].map((percent) => ({ devices: { of: 'percent', percent }, gate }));
    const targets = [{ app: 'echo-c', version, health: { soakMs: 0 } }];
    writeFileSync(file, JSON.stringify({ name: version, targets, waves, inFlight }));
    const made = await this.#fleet.wafer('rollout', 'create', 'stable', '--file', file);
    return (made as { id: string }).id;
  }

  async #until(id: string, states: readonly string[]): Promise<string> {
    const deadline = Date.now() + OVER_WITHIN_MS;
    for (;;) {
      const [row] = await this.#database.sql`select state, reason from rollouts where id = ${id}`;
      if (states.includes(row?.['state'] as string)) return row!['state'] as string;
      if (Date.now() > deadline) throw new Error(`the rollout is ${row?.['state']}: ${row?.['reason']}`);
      await sleep(100);
    }
  }

  /** Nothing is under way any more, such as devices that failed and were asked once more. */
  async quiet(): Promise<void> {
    const deadline = Date.now() + QUIET_WITHIN_MS;
    for (;;) {
      const [row] = await this.#database.sql<{ open: number }[]>`select
        (select count(*) from executions e join assignments a on a.execution = e.id
          where e.state in ('QUEUED', 'IN_PROGRESS'))::int + (select count(*) from outbox)::int as open`;
      if (row?.open === 0 || Date.now() > deadline) return;
      await sleep(500);
    }
  }

  async throughput(simulated: Simulated): Promise<Throughput> {
    const id = await this.#create({ successPercent: 90 }, this.#devices);
    await this.quiet();
    const { serverPid } = this.#fleet;
    const spent = () => ({ all: cpuMsOf(serverPid), database: this.#database.cpuMs, fleet: simulated.cpuMs });
    const written = await this.#database.written();
    const before = spent();
    await this.#fleet.wafer('rollout', 'start', id);
    await this.#until(id, ['COMPLETED']);
    const after = spent();
    const now = await this.#database.written();
    const [row] = await this.#database.sql<{ seconds: number }[]>`select extract(epoch from
      (select max(e.updated) from executions e where e.rollout = ${id})
      - (select min(at) from audit_events where subject = ${`rollout:${id}`} and action = 'rollout.begin'))::float8
      as seconds`;
    const databaseMs = after.database - before.database;
    return {
      seconds: row!.seconds,
      databaseMs,
      serverMs: after.all - before.all - databaseMs,
      fleetMs: after.fleet - before.fleet,
      rows: now.rows - written.rows,
      bytes: now.bytes - written.bytes,
    };
  }

  async #write(id: string): Promise<number> {
    const times: number[] = [];
    while (times.length < WRITES) {
      const start = performance.now();
      await this.#database.sql`update rollouts set updated = updated where id = ${id}`;
      times.push((performance.now() - start) / 1000);
    }
    return median(times);
  }

  async halt(): Promise<Halt> {
    const inFlight = Math.max(50, Math.round(this.#devices / 25));
    const id = await this.#create({ successPercent: 0, errorCount: stopAt(this.#devices) }, inFlight);
    await this.quiet();
    await this.#fleet.wafer('rollout', 'start', id);
    const state = await this.#until(id, ['PAUSED', 'COMPLETED']);
    if (state !== 'PAUSED') throw new Error('no gate tripped: there are too few devices for it');
    const failed = this.#database.sql`e.rollout = ${id} and e.state in ('FAILED', 'ROLLED_BACK')`;
    const [row] = await this.#database.sql<{ seconds: number; past: number; started: number }[]>`
      with tripped as (
        select min(e.updated) as at from executions e
          join rollout_members m on m.rollout = e.rollout and m.device = e.device
        where ${failed} and (
          select count(*) from executions o join rollout_members n on n.rollout = o.rollout and n.device = o.device
          where o.rollout = ${id} and o.state in ('FAILED', 'ROLLED_BACK') and n.wave = m.wave
            and o.updated <= e.updated) >= ${stopAt(this.#devices)}
      ), stopped as (
        select min(at) as at from audit_events
        where subject = ${`rollout:${id}`} and action = 'rollout.gate-tripped'
      )
      select extract(epoch from stopped.at - tripped.at)::float8 as seconds,
        (select count(*)::int from executions where rollout = ${id} and created > tripped.at) as past,
        (select count(*)::int from executions where rollout = ${id}) as started
      from tripped, stopped`;
    const writeSeconds = await this.#write(id);
    await this.#fleet.wafer('rollout', 'abort', id);
    return { writeSeconds, seconds: Math.max(0, row!.seconds), pastGate: row!.past, started: row!.started };
  }
}

function resultOf(
  { devices, rounds, bytesPerDevice }: RolloutOptions & { bytesPerDevice: number },
  ours: readonly Throughput[],
  halts: readonly Halt[],
  peers: readonly Throughput[],
): Result {
  const perMinute = ({ seconds }: Throughput): number => (devices / seconds) * 60;
  const cpu = ({ serverMs, databaseMs }: Throughput): number => (serverMs + databaseMs) / devices;
  const of = (list: readonly Throughput[], value: (each: Throughput) => number): number =>
    median(list.map(value));
  const parts = (list: readonly Throughput[]): string =>
    [
      `${(of(list, ({ serverMs }) => serverMs) / devices).toFixed(2)} ms server`,
      `${(of(list, ({ databaseMs }) => databaseMs) / devices).toFixed(2)} ms Postgres`,
      `${(of(list, ({ fleetMs }) => fleetMs) / devices).toFixed(2)} ms device`,
    ].join(' + ');
  const figure = (name: string, unit: string, value: (each: Throughput) => number, goal: number) => ({
    name,
    unit,
    ours: of(ours, value),
    peers: { 'http-polling': of(peers, value) },
    goal,
    better: 'lower' as const,
  });
  return {
    bench: 'rollout',
    workload: `${devices} simulated devices over TLS on one machine, waves of 1, 10 and 100 %, ${BAD_PERCENT} % of a bad build; ${rounds} interleaved rounds, median. The peer polls without a pause over connections that stay open`,
    figures: [
      { ...figure('devices-per-minute', 'devices/min', perMinute, 100_000), better: 'higher' },
      figure('server-cpu', 'ms', cpu, 2),
      figure('rows-per-device', 'rows', ({ rows }) => rows / devices, 40),
      figure('bytes-per-device', 'bytes', ({ bytes }) => bytes / devices, 20_000),
      {
        name: 'halt',
        unit: 's',
        ours: median(halts.map(({ seconds }) => seconds)),
        limit: median(halts.map(({ writeSeconds }) => writeSeconds)),
        goal: 1,
        better: 'lower',
      },
      {
        name: 'past-gate',
        unit: 'devices',
        ours: Math.max(...halts.map(({ pastGate }) => pastGate)),
        limit: 0,
        goal: 1,
        better: 'lower',
      },
    ],
    missing: {
      'halt, past-gate': 'a device that polls is past its gate once it has asked; there is nothing to halt',
    },
    notes: [
      `processor time a device: ours ${parts(ours)}; http-polling ${parts(peers)}`,
      `halt is from the commit of failure ${stopAt(devices)} of a wave to the stop, its limit one committed write; past-gate are devices started after that commit, the most of all rounds; ${median(halts.map(({ started }) => started))} had been started`,
      `a simulated device holds ${Math.round(bytesPerDevice / 1024)} KB`,
    ],
  };
}

export async function rollout({ devices, rounds }: RolloutOptions): Promise<Result> {
  const fleet = new Fleet();
  const closing: (() => Promise<unknown>)[] = [() => fleet.close()];
  try {
    await fleet.startServer();
    await fleet.wafer('keys', 'init', '--no-passphrase', '--keys', join(fleet.folder, 'keys'));
    // The peer's server needs something to show; as a board it is none of the fleet.
    const account = await fleet.enrol('peer');
    const { key, cert } = credentialsOf(account);
    await fleet.wafer('devices', 'revoke', account.device);
    const database = new Database(join(fleet.folder, 'data'));
    closing.unshift(() => database.close());
    const simulated = new Simulated({
      devices,
      behaviours: `fail=${BAD_PERCENT}%`,
      folder: join(fleet.folder, 'simulated'),
      credentials: fleet.credentials,
    });
    closing.unshift(() => simulated.close());
    const { bytesPerDevice } = await simulated.ready;
    const polling = new Polling({ url: database.url, key, cert, devices, failing: BAD_PERCENT });
    closing.unshift(() => polling.close());
    const port = await polling.listening();

    const measurement = new Measurement(fleet, database, devices);
    // What replaces nothing is not bad, so that everybody has something to go back to.
    await measurement.throughput(simulated);
    const ours: Throughput[] = [];
    const halts: Halt[] = [];
    const peers: Throughput[] = [];
    for (let round = 0; round < rounds; round += 1) {
      ours.push(await measurement.throughput(simulated));
      halts.push(await measurement.halt());
      await measurement.quiet();
      const before = { ...(await database.written()), cpu: database.cpuMs };
      const reading = await polling.round(port);
      const databaseMs = database.cpuMs - before.cpu;
      const after = await database.written();
      const written = { rows: after.rows - before.rows, bytes: after.bytes - before.bytes };
      peers.push({ ...reading, fleetMs: reading.devicesMs, databaseMs, ...written });
    }
    return resultOf({ devices, rounds, bytesPerDevice }, ours, halts, peers);
  } finally {
    for (const close of closing) await close();
  }
}
