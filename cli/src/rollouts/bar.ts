/** Bars of characters. Pure. */

/** One part of a bar: how much of it, and what it is drawn with. */
export interface Part<Of> {
  readonly of: Of;
  readonly count: number;
}

/**
 * Cells of a bar of `width` for each part, in proportion. A part that is there has at least one, as one
 * failed device of a thousand is what people look for.
 */
export function cellsOf<Of>(parts: readonly Part<Of>[], width: number): Part<Of>[] {
  const there = parts.filter(({ count }) => count > 0);
  const total = there.reduce((sum, { count }) => sum + count, 0);
  const cells = there.map(({ count }) => Math.max(1, Math.round((count * width) / total)));
  let over = cells.reduce((sum, count) => sum + count, 0) - width;
  // What rounding gave or took too much is the largest part's, which shows it least.
  while (over !== 0 && cells.length > 0) {
    const largest = cells.indexOf(Math.max(...cells));
    const most = (cells[largest] ?? 1) - 1;
    const taken = over > 0 ? Math.min(over, most) : over;
    if (taken === 0) break;
    cells[largest] = (cells[largest] ?? 0) - taken;
    over -= taken;
  }
  return there.map(({ of }, index) => ({ of, count: cells[index] ?? 0 }));
}

/** A stretch of a whole, at its place: devices of a wave among those of all waves. */
export function stretch(
  { from, length, of }: { from: number; length: number; of: number },
  width: number,
): string {
  if (of <= 0) return ' '.repeat(width);
  const begin = Math.min(width - 1, Math.floor((from * width) / of));
  const end = Math.max(length > 0 ? begin + 1 : begin, Math.round(((from + length) * width) / of));
  return '·'.repeat(begin) + '█'.repeat(end - begin) + '·'.repeat(width - end);
}
