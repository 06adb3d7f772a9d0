/**
 * A query → one SQL condition on a row `d` of `devices`. Pure. What people typed travels as parameters
 * alone.
 *
 * A test may be null where the device lacks what is asked for; that counts as false, and `is not true`
 * makes the opposite of it. What lies in other tables is asked as `d.id in (select …)` without a reference
 * to `d`, so that Postgres reads it once, by its index, wherever in the query it stands.
 */
import type { Query, Test } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import { containing, instant, jsonb, textArray } from '../db/values.ts';

type Of<Kind extends Test['kind']> = Extract<Test, { kind: Kind }>;

const not = (condition: SQL): SQL => sql`(${condition}) is not true`;

const joined = (conditions: readonly SQL[], word: 'and' | 'or'): SQL =>
  sql`(${sql.join([...conditions], word === 'and' ? sql` and ` : sql` or `)})`;

const TEXT_COLUMN: Readonly<Record<Of<'text'>['field'], SQL>> = {
  id: sql`d.id`,
  name: sql`d.name`,
  group: sql`d.group_name`,
  architecture: sql`d.arch`,
  os: sql`(d.inventory->>'os')`,
  board: sql`(d.inventory->>'board')`,
  hostname: sql`(d.inventory->>'hostname')`,
};

function text(column: SQL, { op, values }: Pick<Of<'text'>, 'op' | 'values'>): SQL {
  switch (op) {
    case '=':
      return sql`${column} = ${values[0]}`;
    case '!=':
      return not(sql`${column} = ${values[0]}`);
    case '~':
      return sql`${column} ilike ${containing(values[0])}`;
    case 'in':
      return sql`${column} = any(${textArray(values)})`;
  }
}

function tag({ key, op, values }: Of<'tag'>): SQL {
  const is = (value: string): SQL => sql`d.tags @> ${jsonb({ [key]: value })}`;
  switch (op) {
    case '=':
      return is(values[0]);
    case '!=':
      return not(is(values[0]));
    case '~':
      return sql`(d.tags->>${key}::text) ilike ${containing(values[0])}`;
    case 'in':
      return joined(values.map(is), 'or');
  }
}

const OPERATOR = { '<': sql`<`, '<=': sql`<=`, '>': sql`>`, '>=': sql`>=`, '=': sql`=` } as const;

/** `write` makes the right side of one value. */
function ordered<V>(
  column: SQL,
  { op, values }: { op: Of<'number'>['op']; values: readonly [V, ...V[]] },
  write: (value: V) => SQL,
): SQL {
  switch (op) {
    case '=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return sql`${column} ${OPERATOR[op]} ${write(values[0])}`;
    case '!=':
      return not(sql`${column} = ${write(values[0])}`);
    case 'in':
      return joined(
        values.map((value) => sql`${column} = ${write(value)}`),
        'or',
      );
  }
}

const versionKey = (version: string): SQL => sql`version_key(${version}::text)`;

/** `!=` asks for devices that do not run it, with those that do not have the app. */
function release({ app, op, values }: Of<'release'>): SQL {
  const having = (condition: SQL): SQL =>
    sql`d.id in (select a.device from device_apps a where a.app = ${app} and ${condition})`;
  const column = sql`a.version_key`;
  if (op === '!=') return not(having(ordered(column, { op: '=', values }, versionKey)));
  return having(ordered(column, { op, values }, versionKey));
}

function appPresence({ app: name, op, is }: Of<'app'>): SQL {
  const present = sql`d.id in (select a.device from device_apps a where a.app = ${name}`;
  const found =
    is === 'running' ? sql`${present} and a.state in ('running', 'soaking'))` : not(sql`${present})`);
  return op === '=' ? found : not(found);
}

/** How long ago: more of it is earlier. */
function age({ field, op, ms }: Of<'age'>, nowMs: number): SQL {
  const since = field === 'enrolled' ? sql`d.enrolled` : sql`coalesce(d.last_seen, d.enrolled)`;
  const turned = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;
  // Nothing here is older than 1970, and a date cannot be much older.
  return sql`${since} ${OPERATOR[turned[op]]} ${instant(Math.max(0, nowMs - ms))}`;
}

/**
 * As devices/device.ts has it for the badge: the board failed its self-test, an app failed, or the latest
 * execution of one ended badly.
 */
const FAILING = sql`d.id in (
  select t.id from devices t where t.self_test->'passed' = 'false'
  union all
  select a.device from device_apps a where a.state = 'failed'
  union all
  select e.device from executions e
  where e.state in ('FAILED', 'ROLLED_BACK', 'REJECTED', 'TIMED_OUT')
    and not exists (select 1 from executions later
      where later.device = e.device and later.app = e.app and later.created > e.created)
    and (exists (select 1 from device_apps a where a.device = e.device and a.app = e.app)
      or exists (select 1 from assignments a where a.device = e.device and a.app = e.app)))`;

function health({ op, values }: Of<'health'>): SQL {
  const is = (word: Of<'health'>['values'][0]): SQL => {
    switch (word) {
      case 'offline':
        return sql`not d.online`;
      case 'unknown':
        return sql`(d.online and d.acked_report = 0)`;
      case 'failing':
        return sql`(d.online and d.acked_report > 0 and ${FAILING})`;
      case 'healthy':
        return sql`(d.online and d.acked_report > 0 and not ${FAILING})`;
    }
  };
  const any = joined(values.map(is), 'or');
  return op === '!=' ? not(any) : any;
}

function test(asked: Test, nowMs: number): SQL {
  switch (asked.kind) {
    case 'presence':
      return asked.is === 'online' ? sql`d.online` : sql`not d.online`;
    case 'text':
      return text(TEXT_COLUMN[asked.field], asked);
    case 'channel': {
      const any = sql`d.channels && ${textArray(asked.values)}`;
      return asked.op === '!=' ? not(any) : any;
    }
    case 'tagged':
      return sql`d.tags ? ${asked.key}::text`;
    case 'tag':
      return tag(asked);
    case 'health':
      return health(asked);
    case 'number': {
      const column = asked.field === 'cores' ? sql`d.inventory->'cores'` : sql`d.inventory->'memoryBytes'`;
      return ordered(sql`(${column})`, asked, jsonb);
    }
    case 'age':
      return age(asked, nowMs);
    case 'agent':
      return ordered(sql`d.agent_key`, asked, versionKey);
    case 'release':
      return release(asked);
    case 'app':
      return appPresence(asked);
  }
}

/** Never null under `where`; `nowMs` is what ages are counted back from. */
export function conditionOf(query: Query, nowMs: number): SQL {
  switch (query.kind) {
    case 'and':
    case 'or':
      return joined(
        query.of.map((child) => conditionOf(child, nowMs)),
        query.kind,
      );
    case 'not':
      return not(conditionOf(query.of, nowMs));
    case 'presence':
    case 'text':
    case 'channel':
    case 'tagged':
    case 'tag':
    case 'health':
    case 'number':
    case 'age':
    case 'agent':
    case 'release':
    case 'app':
      return sql`(${test(query, nowMs)})`;
  }
}

/** Groups that the query compares `group` with. */
export function groupsIn(query: Query): string[] {
  if (query.kind === 'and' || query.kind === 'or') return query.of.flatMap(groupsIn);
  if (query.kind === 'not') return groupsIn(query.of);
  return query.kind === 'text' && query.field === 'group' && query.op !== '~' ? [...query.values] : [];
}
