import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WriteBuffer, type BufferOptions } from './buffer.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const away = (): Error => Object.assign(new Error('away'), { code: 'ECONNREFUSED' });

function build(write: BufferOptions<number>['write'], more: Partial<BufferOptions<number>> = {}) {
  const lost = vi.fn<BufferOptions<number>['lost']>();
  return {
    lost,
    buffer: new WriteBuffer<number>({ write, lost, maxRows: 4, maxDelayMs: 250, maxHeld: 8, ...more }),
  };
}

describe('a write buffer', () => {
  it('gathers rows for a moment and writes them as one', async () => {
    const write = vi.fn<BufferOptions<number>['write']>(async () => undefined);
    const { buffer } = build(write);
    buffer.add(1);
    buffer.add(2);
    expect(write).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(250);
    expect(write.mock.calls).toEqual([[[1, 2]]]);
  });

  it('does not wait when there are enough', async () => {
    const write = vi.fn<BufferOptions<number>['write']>(async () => undefined);
    build(write).buffer.add(1, 2, 3, 4, 5);
    await vi.advanceTimersByTimeAsync(0);
    expect(write.mock.calls).toEqual([[[1, 2, 3, 4]], [[5]]]);
  });

  it('keeps rows while the database is away, in order, and writes them when it is back', async () => {
    const seen: number[] = [];
    let isAway = true;
    const { buffer, lost } = build(async (rows) => {
      if (isAway) throw away();
      seen.push(...rows);
    });
    buffer.add(1, 2);
    await vi.advanceTimersByTimeAsync(250);
    buffer.add(3);
    isAway = false;
    await vi.advanceTimersByTimeAsync(2000);
    expect(seen).toEqual([1, 2, 3]);
    expect(lost).not.toHaveBeenCalled();
  });

  it('never holds more than its bound, and says how many it gave up', async () => {
    const { buffer, lost } = build(async () => Promise.reject(away()));
    for (let row = 0; row < 20; row += 1) buffer.add(row);
    await buffer.flush();
    buffer.add(20);
    expect(lost.mock.calls.reduce((sum, [count]) => sum + count, 0)).toBeGreaterThanOrEqual(8);
    await buffer.close();
  });

  it('leaves out the one row that the database cannot take', async () => {
    const seen: number[] = [];
    const poison = new Error('cannot be stored');
    const { buffer, lost } = build(async (rows) => {
      if (rows.includes(3)) throw poison;
      seen.push(...rows);
    });
    buffer.add(1, 2, 3, 4);
    await buffer.flush();
    expect(seen).toEqual([1, 2, 4]);
    expect(lost.mock.calls).toEqual([[1, poison]]);
  });

  it('writes what it holds when it closes', async () => {
    const write = vi.fn<BufferOptions<number>['write']>(async () => undefined);
    const { buffer } = build(write);
    buffer.add(1);
    await buffer.close();
    expect(write.mock.calls).toEqual([[[1]]]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
