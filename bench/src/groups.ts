/**
 * A dynamic group over 100,000 devices: how long it takes to say how many fit, of which architecture, and
 * who the first are. Ours is the whole request, from the API's door to its answer. The peer reads the
 * rows and looks at them in JavaScript; the limit is a count over an index of one column, which any
 * answer about a part of the fleet is at least.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import postgres from 'postgres';
import { Fleet } from './fleet.ts';
import { median, type Figure, type Result } from './report.ts';

const DEVICES = 100_000;
const ROUNDS = 7;
/** Once, before any is counted: what is read again and again lies in memory. */
const WARM_UP_ROUNDS = 2;

interface Row {
  readonly id: string;
  readonly arch: string;
  readonly online: boolean;
  readonly acked: number;
  readonly tags: Record<string, string>;
  readonly inventory: { readonly memoryBytes: number };
}

/** What the peer knows of a device besides its row. */
interface Apps {
  /** Of thermo, if it is there. */
  readonly version: string | undefined;
  readonly isFailing: boolean;
}

interface Question {
  readonly name: string;
  readonly query: string;
  readonly fits: (row: Row, apps: Apps) => boolean;
}

/** All versions here have numbers of one digit, so their text is in their order: that is as fast as it gets. */
const isAtLeast = (version: string | undefined, least: string): boolean =>
  version !== undefined && version >= least;

const QUESTIONS: readonly Question[] = [
  {
    name: 'groups',
    query:
      'architecture = riscv64 and tag.site = site7 and online and release.thermo >= 1.2.0 and not health = failing and memory >= 512MiB',
    fits: ({ arch, tags, online, inventory }, { version, isFailing }) =>
      arch === 'riscv64' &&
      tags['site'] === 'site7' &&
      online &&
      isAtLeast(version, '1.2.0') &&
      !isFailing &&
      inventory.memoryBytes >= 2 ** 29,
  },
  {
    name: 'groups-one-tag',
    query: 'tag.serial = n77777',
    fits: ({ tags }) => tags['serial'] === 'n77777',
  },
  {
    name: 'groups-most',
    query:
      '(online or tag.site in (site1, site2)) and not (health = failing or release.thermo = 1.0.0) and memory < 4GiB',
    fits: ({ tags, online, inventory }, { version, isFailing }) =>
      (online || tags['site'] === 'site1' || tags['site'] === 'site2') &&
      !(isFailing || version === '1.0.0') &&
      inventory.memoryBytes < 2 ** 32,
  },
];

/** Seen tomorrow, so that no sweep finds them silent while they are counted. */
const FLEET = `
  insert into devices (id, name, arch, group_name, tags, channels, online, last_seen, enrolled, inventory, acked_report)
  select 'd-' || translate(lpad(to_hex(n), 16, '0'), '0189', 'wxyz'), 'board ' || n,
    (array['x64', 'arm64', 'arm64', 'riscv64'])[n % 4 + 1], case when n % 10 = 0 then 'lab' end,
    jsonb_build_object('site', 'site' || n % 50, 'floor', n % 7 || '', 'serial', 'n' || n),
    array['stable'], n % 9 <> 0, now() + interval '1 day', now() - n * interval '1 minute',
    jsonb_build_object('protocol', 1, 'boot', gen_random_uuid(), 'agent', '0.1.' || n % 3, 'arch', 'x64',
      'os', 'Linux 6.' || n % 20, 'hostname', 'board' || n, 'board', 'Model ' || n % 12, 'cores', 1 << n % 4,
      'memoryBytes', 268435456::bigint << n % 6, 'node', 'v24.21.0', 'desiredVersion', 1),
    n % 100
  from generate_series(1, ${DEVICES}) as n`;
const APPS = `
  insert into device_apps (device, app, version, digest, state, at)
  select id, app, '1.' || abs(hashtext(id || app)) % 4 || '.' || abs(hashtext(app || id)) % 10, repeat('a', 64),
    case when hashtext(id) % 200 = 0 then 'failed' else 'running' end, now()
  from devices, unnest(array['thermo', 'door']) as app`;
const EXECUTIONS = `
  insert into executions (id, device, app, version, state, created, updated)
  select gen_random_uuid(), device, app, version,
    case when hashtext(app || device) % 50 = 0 then 'FAILED' else 'SUCCEEDED' end, now(), now()
  from device_apps`;

const BAD_ENDS = new Set(['FAILED', 'ROLLED_BACK', 'REJECTED', 'TIMED_OUT']);

/** Reads what the questions ask about, and answers as the server does. */
async function answerInJavaScript(sql: postgres.Sql, { fits }: Question): Promise<number> {
  const apps = new Map<string, { version: string | undefined; isFailing: boolean }>();
  const of = (device: string) => {
    const known = apps.get(device) ?? { version: undefined, isFailing: false };
    apps.set(device, known);
    return known;
  };
  for (const {
    device,
    app,
    version,
    state,
  } of await sql`select device, app, version, state from device_apps`) {
    if (app === 'thermo') of(device).version = version;
    if (state === 'failed') of(device).isFailing = true;
  }
  const latest = await sql`
    select distinct on (device, app) device, state from executions order by device, app, created desc`;
  for (const { device, state } of latest) if (BAD_ENDS.has(state)) of(device).isFailing = true;
  const rows = await sql<Row[]>`
    select id, arch, online, acked_report::integer as acked, tags, inventory from devices where revoked is null`;
  let count = 0;
  for (const row of rows) {
    const { version, isFailing } = of(row.id);
    // Whoever is offline, or has not reported, is not failing.
    if (fits(row, { version, isFailing: isFailing && row.online && row.acked > 0 })) count += 1;
  }
  return count;
}

interface Door {
  readonly api: string;
  readonly token: string;
}

async function askServer({ api, token }: Door, { query }: Question): Promise<number> {
  const answer = await fetch(`${api}/api/v1/groups/preview`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const said = (await answer.json()) as { devices: number };
  if (!answer.ok) throw new Error(JSON.stringify(said));
  return said.devices;
}

function databaseOf(folder: string): string {
  const read = (...path: string[]): string => readFileSync(join(folder, 'data', ...path), 'utf8');
  const port = read('postgres', 'cluster', 'postmaster.pid').split('\n')[3];
  return `postgres://postgres:${read('postgres', 'password')}@127.0.0.1:${port}/postgres`;
}

async function timed<T>(run: () => Promise<T>): Promise<{ ms: number; answer: T }> {
  const started = performance.now();
  const answer = await run();
  return { ms: performance.now() - started, answer };
}

async function measure(
  sql: postgres.Sql,
  door: Door,
  question: Question,
): Promise<{ figure: Figure; count: number }> {
  const ours: number[] = [];
  const peer: number[] = [];
  const limit: number[] = [];
  let count = 0;
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    const asked = await timed(() => askServer(door, question));
    const looked = await timed(() => answerInJavaScript(sql, question));
    const counted = await timed(() => sql`select count(*) from devices where group_name = 'lab'`);
    if (asked.answer !== looked.answer)
      throw new Error(`${question.name}: the server finds ${asked.answer}, the peer ${looked.answer}`);
    count = asked.answer;
    if (round < 0) continue;
    ours.push(asked.ms);
    peer.push(looked.ms);
    limit.push(counted.ms);
  }
  const figure = {
    name: question.name,
    unit: 'ms',
    ours: median(ours),
    peers: { 'in-javascript': median(peer) },
    limit: median(limit),
    goal: 1000,
    better: 'lower',
  } as const;
  return { figure, count };
}

export async function groups(): Promise<Result> {
  const fleet = new Fleet();
  try {
    await fleet.startServer();
    const credentials = readFileSync(join(fleet.folder, 'data', 'server', 'credentials.json'), 'utf8');
    const door = JSON.parse(credentials) as Door;
    const sql = postgres(databaseOf(fleet.folder), { max: 1, onnotice: () => undefined });
    for (const statement of [FLEET, APPS, EXECUTIONS, 'vacuum analyze']) await sql.unsafe(statement);
    const measured: Awaited<ReturnType<typeof measure>>[] = [];
    for (const question of QUESTIONS) measured.push(await measure(sql, door, question));
    await sql.end();
    return {
      bench: 'groups',
      workload: `${DEVICES} devices with two apps each, ${ROUNDS} interleaved rounds, median; a query's count, architectures and first 20 over HTTP`,
      figures: measured.map(({ figure }) => figure),
      missing: {},
      notes: measured.map(
        ({ figure, count }, at) => `${figure.name}: ${count} devices fit ${QUESTIONS[at]?.query}`,
      ),
    };
  } finally {
    await fleet.close();
  }
}
