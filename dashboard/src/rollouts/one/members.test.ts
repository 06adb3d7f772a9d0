import type { ExecutionState } from '@wafer/protocol/states';
import { describe, expect, test } from 'vitest';
import { membersFrom, type Member } from './members.ts';

const member = (name: string, state: ExecutionState, cause: string | null = null): Member =>
  ({ device: name, wave: 0, position: 1, state, cause, updated: '2026-11-21T10:00:00.000Z' }) as Member;

/** The API: pages of two, of one state or of all. */
function api(members: readonly Member[]) {
  return async (state: ExecutionState | undefined, cursor: string | undefined) => {
    const fitting = members.filter((each) => state === undefined || each.state === state);
    const from = Number(cursor ?? 0);
    const next = from + 2 < fitting.length ? { next: `${from + 2}` } : {};
    return { items: fitting.slice(from, from + 2), ...next };
  };
}

type Part = Parameters<typeof membersFrom>[1];

async function read(members: readonly Member[], part: Part): Promise<string[][]> {
  const pages: string[][] = [];
  let place: Parameters<typeof membersFrom>[2] | undefined = { state: 0, cursor: undefined };
  while (place !== undefined) {
    const page = await membersFrom(api(members), part, place);
    pages.push(page.items.map(({ device }) => device));
    place = page.next;
  }
  return pages;
}

describe('the devices of a rollout', () => {
  const members = [
    member('a', 'SUCCEEDED'),
    member('b', 'ROLLED_BACK', 'probe-failed'),
    member('c', 'SUCCEEDED'),
    member('d', 'ALREADY_INSTALLED'),
    member('e', 'SUCCEEDED'),
    member('f', 'ROLLED_BACK'),
    member('g', 'TIMED_OUT', 'TIMED_OUT'),
    member('h', 'CANCELED'),
  ];

  test('come page by page, all of them once', async () => {
    expect((await read(members, null)).flat()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
  });

  test('that succeeded are also those that had the release already', async () => {
    expect(await read(members, 'succeeded')).toEqual([['a', 'c'], ['e'], ['d']]);
  });

  test('that went back by themselves have failed, and those that were ordered back have not', async () => {
    expect((await read(members, 'failed')).flat()).toEqual(['g', 'b']);
    expect((await read(members, 'withdrawn')).flat()).toEqual(['h', 'f']);
  });

  test('of which a page holds none that fits are looked for further on', async () => {
    const ordered = ['1', '2', '3', '4'].map((name) => member(name, 'ROLLED_BACK'));
    const pages = await read([...ordered, member('x', 'ROLLED_BACK', 'trap')], 'failed');
    expect(pages).toEqual([['x']]);
  });
});
