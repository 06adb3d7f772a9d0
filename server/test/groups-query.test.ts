/** Queries as Postgres answers them, beside the same questions answered in JavaScript. */
import { Hours, printQuery, type DeviceHealth, type Query } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { healthOf } from '../src/devices/device.ts';
import { jsonb } from '../src/db/values.ts';
import { membership } from '../src/groups/index.ts';
import { conditionOf } from '../src/groups/query.ts';
import { compareVersions, fitsQuery, queryOf, type Board } from './groups-oracle.ts';
import { freshDatabase, testClock, type TestDatabase } from './harness.ts';
import { newDeviceId } from './releases-fleet.ts';

const NOW = Date.UTC(2026, 10, 21, 12);
const VERSIONS = [
  '1.0.0-alpha',
  '1.0.0-alpha.1',
  '1.0.0-rc.2',
  '1.0.0-rc.10',
  '1.0.0',
  '1.2.0',
  '1.10.0',
  '10.0.0',
];
const STATES = ['starting', 'running', 'soaking', 'stopped', 'failed'] as const;

/** The same boards in every run. */
const random = fc.sample(fc.nat(1_000_000), { numRuns: 20_000, seed: 7 });
let drawn = 0;
const pick = <T>(from: readonly T[]): T => {
  drawn += 1;
  return from[(random[drawn] ?? 0) % from.length] as T;
};

interface Execution {
  readonly app: string;
  readonly state: string;
  readonly createdMs: number;
}

function makeBoard(): { board: Board; acked: number; executions: Execution[] } {
  const apps = Object.fromEntries(
    ['thermo', 'door']
      .filter(() => pick([true, false]))
      .map((app) => [app, { version: pick(VERSIONS), state: pick(STATES) }]),
  );
  const executions = ['thermo', 'door', 'gone'].flatMap((app) =>
    Array.from({ length: pick([0, 1, 2]) }, (_, at) => ({
      app,
      state: pick(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'QUEUED']),
      createdMs: NOW - Hours(10) + at * 1000,
    })),
  );
  const known = Object.entries(apps).map(([app, { state }]) => {
    const latest = executions.filter((each) => each.app === app).at(-1);
    return { running: { state }, execution: latest === undefined ? null : { state: latest.state } };
  });
  const [online, acked] = [pick([true, true, false]), pick([0, 3, 4, 5])];
  const passed = pick([true, true, undefined, false]);
  const hasSaid = pick([true, true, true, false]);
  const fitness = { online, hasReported: acked > 0, isFit: !hasSaid || passed !== false };
  const health: DeviceHealth = healthOf(fitness, known as never);
  const inventory = {
    ...(passed === undefined ? {} : { selfTest: { passed } }),
    agent: pick(['0.1.0', '0.2.0-rc.1', '0.2.0', 'built by hand']),
    os: pick(['Linux 6.1', 'Linux 6.12', 'Darwin 25']),
    board: pick(['Raspberry Pi 5', 'StarFive VisionFive 2', '100% custom_board']),
    hostname: pick(['pi', 'vf2']),
    cores: pick([1, 4, 8]),
    memoryBytes: pick([256, 512, 1024]) * 2 ** 20,
  };
  const board: Board = {
    id: newDeviceId(),
    name: pick(['North wall', 'south wall', 'roof']),
    arch: pick(['x64', 'arm64', 'riscv64']),
    group: pick([null, 'lab', 'field']),
    tags: pick([
      {},
      { site: 'berlin' },
      { site: 'oslo', floor: '2' },
      { 'a "key"': 'x%y' },
      { __proto__x: '' },
    ]),
    channels: pick([[], ['stable'], ['stable', 'beta'], ['beta']]),
    online,
    health,
    enrolledMs: NOW - pick([1, 24, 24 * 90]) * 3_600_000,
    lastSeenMs: pick([null, NOW - 1000, NOW - Hours(2), NOW - Hours(5)]),
    inventory: hasSaid ? inventory : null,
    apps,
  };
  return { board, acked, executions };
}

let database: TestDatabase;
const made = Array.from({ length: 150 }, makeBoard);
const boards = made.map(({ board }) => board).toSorted((a, b) => (a.id < b.id ? -1 : 1));
beforeAll(async () => {
  database = await freshDatabase();
  const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  await database.db.execute(sql`
    insert into devices (id, name, arch, group_name, tags, channels, online, last_seen, enrolled, inventory, acked_report)
    select id, name, arch, group_name, tags, array(select jsonb_array_elements_text(channels)), online, last_seen,
      enrolled, nullif(inventory, 'null'), acked_report
    from jsonb_to_recordset(${jsonb(
      made.map(({ board, acked }) => ({
        ...board,
        group_name: board.group,
        last_seen: iso(board.lastSeenMs),
        enrolled: iso(board.enrolledMs),
        acked_report: acked,
      })),
    )}) as r(id text, name text, arch text, group_name text, tags jsonb, channels jsonb, online boolean,
      last_seen timestamptz, enrolled timestamptz, inventory jsonb, acked_report bigint)`);
  await database.db.execute(sql`
    insert into device_apps (device, app, version, digest, state, at)
    select device, app, version, 'x', state, now()
    from jsonb_to_recordset(${jsonb(
      made.flatMap(({ board }) =>
        Object.entries(board.apps).map(([app, each]) => ({ device: board.id, app, ...each })),
      ),
    )}) as r(device text, app text, version text, state text)`);
  await database.db.execute(sql`
    insert into executions (id, device, app, version, state, created, updated)
    select gen_random_uuid(), device, app, '1.0.0', state, created, created
    from jsonb_to_recordset(${jsonb(
      made.flatMap(({ board, executions }) =>
        executions.map((each) => ({ device: board.id, ...each, created: iso(each.createdMs) })),
      ),
    )}) as r(device text, app text, state text, created timestamptz)`);
});
afterAll(() => database.close());

async function answered(query: Query): Promise<string[]> {
  const rows = await database.db.execute<{ id: string }>(
    sql`select d.id from devices d where ${conditionOf(query, NOW)} order by d.id collate "C"`,
  );
  return rows.map(({ id }) => id);
}
const expected = (query: Query): string[] =>
  boards.filter((board) => fitsQuery(query, board, NOW)).map(({ id }) => id);

/** Every field with every operator that it takes; each of them finds some boards and leaves some. */
const TESTS = [
  'online',
  'offline',
  ...['=', '!=', '~'].flatMap((op) => [
    `name ${op} roof`,
    `group ${op} lab`,
    `architecture ${op} arm64`,
    `os ${op} "Linux 6.1"`,
    `hostname ${op} pi`,
    `tag.site ${op} berlin`,
  ]),
  'name ~ WALL',
  'board ~ 0%',
  'board ~ custom_',
  'board ~ "5"',
  'architecture in (x64, riscv64)',
  'group in (field)',
  `id in (${boards
    .slice(0, 5)
    .map(({ id }) => id)
    .join(', ')})`,
  'tag.site',
  'tag.floor = 2',
  String.raw`tag."a \"key\"" = "x%y"`,
  String.raw`tag."a \"key\"" ~ %`,
  'tag.__proto__x',
  'tag.__proto__x = ""',
  'tag.site in (berlin, oslo)',
  'channel = stable',
  'channel != beta',
  'channel in (stable, beta)',
  ...['healthy', 'failing', 'offline', 'unknown'].flatMap((word) => [
    `health = ${word}`,
    `health != ${word}`,
  ]),
  'health in (failing, unknown)',
  ...['=', '!=', '<', '<=', '>', '>='].flatMap((op) => [
    `cores ${op} 4`,
    `memory ${op} 512MiB`,
    `agent ${op} 0.2.0-rc.1`,
    `release.thermo ${op} 1.0.0`,
    `release.door ${op} 1.0.0-rc.10`,
  ]),
  'cores in (1, 8)',
  'memory in (256MiB, 1GiB)',
  'agent in (0.1.0, 0.2.0)',
  'release.thermo in (1.0.0-alpha, 10.0.0)',
  'release.thermo = running',
  'release.thermo != running',
  'release.door = missing',
  'release.door != missing',
  ...['<', '<=', '>', '>='].flatMap((op) => [`silent ${op} 2h`, `enrolled ${op} 1d`]),
];

describe('Postgres finds just the devices that fit', () => {
  test.each(TESTS)('%s', async (typed) => {
    const query = queryOf(typed);
    const found = await answered(query);
    expect(found).toEqual(expected(query));
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThan(boards.length);
    expect((await answered({ kind: 'not', of: query })).length).toBe(boards.length - found.length);
  });

  const { query: queries } = fc.letrec<{ query: Query }>((tie) => ({
    query: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom(...TESTS).map(queryOf),
      fc
        .tuple(
          fc.constantFrom('and' as const, 'or' as const),
          fc.array(tie('query'), { minLength: 2, maxLength: 3 }),
        )
        .map(([kind, of]): Query => ({ kind, of: of as unknown as [Query, Query] })),
      tie('query').map((of): Query => ({ kind: 'not', of })),
    ),
  }));
  test('of any query, however it is put together', async () => {
    await fc.assert(
      fc.asyncProperty(queries, async (query) => {
        expect([printQuery(query), await answered(query)]).toEqual([printQuery(query), expected(query)]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('versions are in the order of SemVer', () => {
  const number = fc.oneof(
    fc.constantFrom('0', '1', '9', '10'),
    fc.nat(10 ** 9).map(String),
    fc.constant('9'.repeat(20)),
  );
  const identifier = fc.oneof(
    number,
    fc.constantFrom('alpha', 'alpha1', 'a', 'Z', '-', 'x-y', '0a', 'rc'),
    fc.stringMatching(/^[A-Za-z-][0-9A-Za-z-]{0,6}$/),
  );
  const version = fc
    .tuple(fc.array(number, { minLength: 3, maxLength: 3 }), fc.array(identifier, { maxLength: 4 }))
    .map(([core, pre]) => core.join('.') + (pre.length === 0 ? '' : `-${pre.join('.')}`))
    .filter((text) => text.length <= 64);

  test('whatever two versions are compared', async () => {
    const pairs = fc.sample(fc.tuple(version, version), 3000);
    const rows = await database.db.execute<{ a: string; b: string; order: number }>(sql`
      select a, b, case when x < y then -1 when x = y then 0 else 1 end as order
      from (select a, b, version_key(a) collate "C" as x, version_key(b) collate "C" as y
        from jsonb_to_recordset(${jsonb(pairs.map(([a, b]) => ({ a, b })))}) as r(a text, b text)) as keyed`);
    for (const { a, b, order } of rows)
      expect([a, b, order]).toEqual([a, b, Math.sign(compareVersions(a, b))]);
  });

  test('as the standard lists them', async () => {
    const listed = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
    ];
    const rows = await database.db.execute<{ version: string }>(sql`
      select version from jsonb_array_elements_text(${jsonb(listed.toReversed())}) as r(version)
      order by version_key(version) collate "C"`);
    expect(rows.map(({ version: each }) => each)).toEqual(listed);
  });

  test('and what is no version has no place in it', async () => {
    const rows = await database.db.execute<{ key: string | null }>(
      sql`select version_key(v) as key from jsonb_array_elements_text(${jsonb(['', '1', '1.2', 'x.y.z', '1.2.3 '])}) as r(v)`,
    );
    expect(rows.map(({ key }) => key)).toEqual([null, null, null, null, null]);
  });
});

test('a revoked device is in no group, whatever the query says', async () => {
  const { db } = database;
  const clock = testClock(NOW);
  await db.execute(sql`
    insert into groups (name, kind, query, description, created, created_by, updated, revision)
    values ('all', 'dynamic', 'online or not online', '', now(), 'x', now(), 1)`);
  const count = async (): Promise<unknown> =>
    (
      await db.execute(
        sql`select count(*)::integer as n from devices d where ${await membership({ db, clock }, 'all')}`,
      )
    )[0];
  expect(await count()).toEqual({ n: boards.length });
  await db.execute(sql`update devices set revoked = now() where id = ${boards[0]?.id}`);
  expect(await count()).toEqual({ n: boards.length - 1 });
  await db.execute(sql`update devices set revoked = null`);
});
