/** thermo, as it is checked in, on boards with and without a thermal zone. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Board, startGuest } from './guest.ts';

const component = (version: string) => join(import.meta.dirname, `../thermo/thermo-${version}.wasm`);
const LOAD = { '/proc/loadavg': { '': '0.42 0.30 0.24 1/99 12864\n' } };
const zones = (...millidegrees: string[]) => ({
  '/thermal': Object.fromEntries(millidegrees.map((text, zone) => [`thermal_zone${zone}/temp`, `${text}\n`])),
});

async function start(version: string, board: Board) {
  const guest = await startGuest(component(version), board);
  const call = (name: string, method: string, ...args: unknown[]) => {
    const found = guest.exports[name]?.[method];
    if (found === undefined) throw new Error(`the guest does not export ${name}.${method}`);
    return found(...args);
  };
  return { sent: guest.sent, call };
}

/** What the guest refused with; jco wraps a result's error in an Error with a payload. */
function refusalOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return (error as { payload?: unknown }).payload;
  }
  throw new Error('it did not refuse');
}

describe('thermo 1.0.0', () => {
  it('publishes the hottest zone in degrees', async () => {
    const { call, sent } = await start('1.0.0', {
      preopens: { ...zones('41000', '52500', '-3000'), ...LOAD },
    });
    call('lifecycle', 'start');
    call('health', 'check');
    call('timer', 'tick');
    expect(sent).toEqual([{ topic: 'telemetry/temperature', json: { celsius: 52.5 } }]);
  });

  it('publishes the load average where the board has no zone', async () => {
    const { call, sent } = await start('1.0.0', { preopens: { '/thermal': {}, ...LOAD } });
    call('lifecycle', 'start');
    call('timer', 'tick');
    expect(sent).toEqual([{ topic: 'telemetry/load', json: { load: 0.42 } }]);
  });

  it('publishes the load average where the folder of zones is not there at all', async () => {
    const { call, sent } = await start('1.0.0', { preopens: LOAD });
    call('timer', 'tick');
    expect(sent).toEqual([{ topic: 'telemetry/load', json: { load: 0.42 } }]);
  });

  it('finds the load average in a folder, for hosts that grant folders only', async () => {
    const { call, sent } = await start('1.0.0', {
      preopens: { '/proc/loadavg': { loadavg: '1.50 1.00 0.50 2/99 7\n' } },
    });
    call('timer', 'tick');
    expect(sent).toEqual([{ topic: 'telemetry/load', json: { load: 1.5 } }]);
  });

  it('passes over a zone whose sensor sleeps', async () => {
    const { call, sent } = await start('1.0.0', { preopens: zones('', '39000') });
    call('timer', 'tick');
    expect(sent).toEqual([{ topic: 'telemetry/temperature', json: { celsius: 39 } }]);
  });

  it('does not start on a board that gives it nothing, and says what is missing', async () => {
    const { call } = await start('1.0.0', { preopens: {} });
    expect(refusalOf(() => call('lifecycle', 'start'))).toBe('neither /thermal nor /proc/loadavg is granted');
  });
});

describe('thermo 1.1.0', () => {
  it('adds unit, extremes and the time of the first reading', async () => {
    const board = { preopens: zones('41000') };
    const { call, sent } = await start('1.1.0', board);
    const before = Date.now();
    call('lifecycle', 'start');
    Object.assign(board.preopens, zones('52500'));
    call('timer', 'tick');
    Object.assign(board.preopens, zones('47000'));
    call('timer', 'tick');
    expect(sent[1]).toMatchObject({
      topic: 'telemetry/temperature',
      json: { celsius: 47, unit: '°C', min: 41, max: 52.5 },
    });
    // The engine's clock stands still while it is built; in service it must be the real one.
    const since = String((sent[1]?.json as { since?: string } | undefined)?.since);
    expect(Date.parse(since)).toBeGreaterThanOrEqual(before - 1);
    expect(Date.parse(since)).toBeLessThanOrEqual(Date.now());
  });

  it('hands its extremes to the next instance', async () => {
    const old = await start('1.1.0', { preopens: zones('80000') });
    old.call('lifecycle', 'start');
    const next = await start('1.1.0', { preopens: zones('40000') });
    next.call('lifecycle', 'start');
    next.call('state', 'restore', old.call('state', 'save'));
    next.call('timer', 'tick');
    expect(next.sent[0]?.json).toMatchObject({ celsius: 40, min: 40, max: 80 });
  });

  it('refuses a snapshot that is none of its own', async () => {
    const { call } = await start('1.1.0', { preopens: zones('40000') });
    expect(refusalOf(() => call('state', 'restore', Buffer.from('{}')))).toBe('not a snapshot of thermo');
  });
});

describe('thermo 1.2.0', () => {
  it('starts, and then says in its probe why it is not healthy', async () => {
    const { call } = await start('1.2.0', { preopens: zones('40000') });
    call('lifecycle', 'start');
    expect(refusalOf(() => call('health', 'check'))).toMatch(/no calibration-offset/);
  });

  it('is healthy once somebody configures what it misses', async () => {
    const { call, sent } = await start('1.2.0', {
      preopens: zones('40000'),
      config: { 'calibration-offset': '-1.5' },
    });
    call('health', 'check');
    call('timer', 'tick');
    expect(sent[0]?.json).toEqual({ celsius: 38.5, unit: '°C' });
  });
});
