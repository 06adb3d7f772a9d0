/** What a query says of a device, worked out in JavaScript from all that is known of it. */
import { parseQuery, type DeviceHealth, type Query, type Test } from '@wafer/protocol';

export interface Board {
  readonly id: string;
  readonly name: string;
  readonly arch: string;
  readonly group: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly channels: readonly string[];
  readonly online: boolean;
  readonly health: DeviceHealth;
  readonly enrolledMs: number;
  readonly lastSeenMs: number | null;
  readonly inventory: {
    readonly agent: string;
    readonly os: string;
    readonly board: string;
    readonly hostname: string;
    readonly cores: number;
    readonly memoryBytes: number;
  } | null;
  /** App → what the device says of it. */
  readonly apps: Readonly<Record<string, { readonly version: string; readonly state: string }>>;
}

/** SemVer 2.0.0, clause 11, word for word; NaN where one is no version. */
export function compareVersions(a: string, b: string): number {
  const split = (version: string): [string[], string[]] | undefined => {
    const [, core, pre] = /^(\d+\.\d+\.\d+)(?:-([0-9A-Za-z.-]+))?$/.exec(version) ?? [];
    return core === undefined ? undefined : [core.split('.'), pre?.split('.') ?? []];
  };
  const [left, right] = [split(a), split(b)];
  if (left === undefined || right === undefined) return NaN;
  for (const at of [0, 1, 2]) {
    const difference = BigInt(left[0][at] ?? 0) - BigInt(right[0][at] ?? 0);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
  }
  const [pre, other] = [left[1], right[1]];
  if (pre.length === 0 || other.length === 0) return other.length - pre.length;
  for (let at = 0; at < Math.min(pre.length, other.length); at += 1) {
    const [x = '', y = ''] = [pre[at], other[at]];
    if (x === y) continue;
    const [isNumber, isOther] = [/^\d+$/.test(x), /^\d+$/.test(y)];
    if (isNumber && isOther) return BigInt(x) < BigInt(y) ? -1 : 1;
    if (isNumber !== isOther) return isNumber ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return pre.length - other.length;
}

function fits(op: string, difference: number): boolean {
  switch (op) {
    case '<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    case '>':
      return difference > 0;
    case '>=':
      return difference >= 0;
    default:
      return difference === 0;
  }
}

/** `differences` of the device's value from each that was asked for; undefined where it has none. */
function compared(op: string, differences: readonly number[] | undefined): boolean {
  if (op === '!=') return !compared('=', differences);
  return differences?.some((difference) => fits(op, difference)) ?? false;
}

function text(op: string, has: string | null | undefined, values: readonly string[]): boolean {
  if (op === '!=') return !text('=', has, values);
  if (has === null || has === undefined) return false;
  return values.some((value) =>
    op === '~' ? has.toLowerCase().includes(value.toLowerCase()) : has === value,
  );
}

function textOf(board: Board, field: Extract<Test, { kind: 'text' }>['field']): string | null | undefined {
  if (field === 'architecture') return board.arch;
  if (field === 'id' || field === 'name' || field === 'group') return board[field];
  return board.inventory?.[field];
}

export function fitsQuery(query: Query, board: Board, nowMs: number): boolean {
  switch (query.kind) {
    case 'and':
      return query.of.every((child) => fitsQuery(child, board, nowMs));
    case 'or':
      return query.of.some((child) => fitsQuery(child, board, nowMs));
    case 'not':
      return !fitsQuery(query.of, board, nowMs);
    case 'presence':
      return board.online === (query.is === 'online');
    case 'text':
      return text(query.op, textOf(board, query.field), query.values);
    case 'channel': {
      const any = query.values.some((value) => board.channels.includes(value));
      return query.op === '!=' ? !any : any;
    }
    case 'tagged':
      return Object.hasOwn(board.tags, query.key);
    case 'tag':
      return text(query.op, board.tags[query.key], query.values);
    case 'health':
      return text(query.op, board.health, query.values);
    case 'number': {
      const has = board.inventory?.[query.field === 'cores' ? 'cores' : 'memoryBytes'];
      return compared(query.op, has === undefined ? undefined : query.values.map((value) => has - value));
    }
    case 'age': {
      const since = query.field === 'enrolled' ? board.enrolledMs : (board.lastSeenMs ?? board.enrolledMs);
      return fits(query.op, nowMs - since - query.ms);
    }
    case 'agent': {
      const has = board.inventory?.agent;
      return compared(
        query.op,
        has === undefined ? undefined : query.values.map((v) => compareVersions(has, v)),
      );
    }
    case 'release': {
      const has = board.apps[query.app]?.version;
      return compared(
        query.op,
        has === undefined ? undefined : query.values.map((v) => compareVersions(has, v)),
      );
    }
    case 'app': {
      const state = board.apps[query.app]?.state;
      const is = query.is === 'missing' ? state === undefined : state === 'running' || state === 'soaking';
      return query.op === '=' ? is : !is;
    }
  }
}

export const queryOf = (typed: string): Query => {
  const parsed = parseQuery(typed);
  if (parsed.query === undefined) throw new Error(`${typed}: ${parsed.mistake.message}`);
  return parsed.query;
};
