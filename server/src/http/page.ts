/**
 * Cursors of lists. A query asks for one row more than the page holds; if it comes, there is a next
 * page, which starts behind the last row shown.
 */
import { DeviceId, WaferError } from '@wafer/protocol';

/** `next` is empty on the last page, so that it can be spread into the answer. */
export function cutPage<Row>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (row: Row) => string,
): { items: Row[]; next: { next?: string } } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? { next: cursorOf(last) } : {} };
}

/** For lists that are ordered by a growing number; throws request.invalid. */
export function numberCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const number = Number(cursor);
  if (!/^\d{1,16}$/.test(cursor) || !Number.isSafeInteger(number))
    throw new WaferError('request.invalid', 'querystring/cursor: take it from `next` of the page before.');
  return number;
}

/** For lists that are ordered by device; throws request.invalid. */
export function deviceCursor(cursor: string | undefined): DeviceId | undefined {
  if (cursor === undefined) return undefined;
  const parsed = DeviceId.safeParse(cursor);
  if (parsed.success) return parsed.data;
  throw new WaferError('request.invalid', 'querystring/cursor: take it from `next` of the page before.');
}
