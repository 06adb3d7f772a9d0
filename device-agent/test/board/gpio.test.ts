/** Guests and GPIO lines: real components, real isolates, the agent's own ioctls, on the bus simulator. */
import { constants } from 'node:os';
import { AppName, type Grants } from '@wafer/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { faultOf } from '../apps/harness.ts';
import { PinBoard } from './pin-board.ts';
import { hasCompiler } from './simulator.ts';

describe.runIf(hasCompiler())('on the bus simulator', () => {
  let board: PinBoard;
  beforeAll(async () => {
    board = await PinBoard.open();
  }, 60_000);
  afterAll(() => board.close());
  beforeEach(() => board.clear());

  const LED: Grants = { gpio: [{ chip: 0, line: 17, direction: 'out', label: 'led' }] };
  const BUTTON: Grants = {
    gpio: [{ chip: 0, line: 27, direction: 'in', label: 'button', activeLow: true, bias: 'pull-up' }],
  };
  const PINS = AppName.parse('pins');

  const takeLed = (flags: string[] = [], as = 'out') => board.ask('pin', { as, label: 'led', flags });
  const takeButton = (flags: string[] = []) => board.ask('pin', { as: 'in', label: 'button', flags });
  const led = (method: string, ...args: unknown[]) => board.ask('call', { label: 'led', method, args });
  const button = (method: string) => board.ask('call', { label: 'button', method });
  const watch = (method: string, name: string) => board.ask('watch', { label: 'button', method, name });

  describe('a line out', () => {
    it('begins inactive, and is set', async () => {
      await board.install(LED);
      expect(await takeLed()).toEqual({ ok: null });
      expect(board.world.line(17)).toMatchObject({ level: 0, direction: 'out' });
      await led('setActive');
      expect(board.world.line(17).level).toBe(1);
      await led('setState', 'inactive');
      expect(board.world.line(17).level).toBe(0);
    });

    it('begins as the flags say, and is low when active where they say so', async () => {
      await board.install(LED);
      await takeLed(['active', 'activeLow']);
      expect(board.world.line(17)).toMatchObject({ level: 0, activeLow: true });
      await led('setInactive');
      expect(board.world.line(17).level).toBe(1);
      expect(await led('getConfig')).toEqual({
        ok: { label: 'led', pinMode: 'out', activeLevel: 'active-low', pullResistor: null },
      });
    });

    it('toggles, and knows its state', async () => {
      await board.install(LED);
      await takeLed([], 'stateful');
      await led('toggle');
      expect(await led('getState')).toEqual({ ok: 'active' });
      await led('toggle');
      expect(await led('isSetActive')).toEqual({ ok: false });
    });

    it('is wired as the grant says, whatever the guest says', async () => {
      await board.install({ gpio: [{ ...LED.gpio![0]!, activeLow: true }] });
      await takeLed(['activeHigh', 'active']);
      expect(board.world.line(17)).toMatchObject({ level: 0, activeLow: true });
    });

    it.each([[['activeHigh', 'activeLow']], [['active', 'inactive']], [['pullUp']], [['input']]])(
      'is not had with the flags %j',
      async (flags) => {
        await board.install(LED);
        expect(await takeLed(flags)).toEqual({ error: { tag: 'invalid-flag' } });
      },
    );
  });

  describe('a line in', () => {
    it('is read as it is wired', async () => {
      await board.install(BUTTON);
      await takeButton();
      board.world.drive(27, 1);
      expect(board.world.line(27)).toMatchObject({ direction: 'in', bias: 'pull-up', activeLow: true });
      expect(await button('read')).toEqual({ ok: 'inactive' });
      board.world.drive(27, 0);
      expect(await button('isActive')).toEqual({ ok: true });
      expect(await button('isInactive')).toEqual({ ok: false });
    });

    it('makes a pollable ready at its edge, and no other one', async () => {
      await board.install(BUTTON);
      board.world.drive(27, 1);
      await takeButton();
      await watch('watchRisingEdge', 'pressed');
      await watch('watchFallingEdge', 'released');
      expect(await board.ask('ready', { name: 'pressed' })).toBe(false);
      board.world.drive(27, 0);
      await board.ask('block', { name: 'pressed' });
      expect(await board.ask('ready', { name: 'released' })).toBe(false);
      board.world.drive(27, 1);
      expect(await board.ask('poll', { names: ['pressed', 'released'] })).toContain(0);
      await board.ask('block', { name: 'released' });
    });

    it('makes a pollable ready at once where the state is there already', async () => {
      await board.install(BUTTON);
      await takeButton();
      board.world.drive(27, 0);
      await watch('watchActive', 'on');
      await watch('watchInactive', 'off');
      expect(await board.ask('ready', { name: 'on' })).toBe(true);
      expect(await board.ask('ready', { name: 'off' })).toBe(false);
      await board.ask('unwatch', { name: 'off' });
    });

    it('says so where its controller knows no edges', async () => {
      await board.install(BUTTON);
      await takeButton();
      board.world.failEdges(constants.errno.EOPNOTSUPP);
      expect(await watch('watchRisingEdge', 'never')).toEqual({ error: { tag: 'pin-mode-not-available' } });
      board.world.failEdges(0);
    });
  });

  describe('edges as messages', () => {
    const DOOR: Grants = { gpio: [{ ...BUTTON.gpio![0]!, label: 'door', edges: 'both' }] };

    it('come to the handler in their order, with their time', async () => {
      board.world.drive(27, 1);
      await board.install(DOOR);
      for (const level of [0, 1, 0] as const) board.world.drive(27, level);
      await vi.waitFor(() => expect(board.edges).toHaveLength(3), 10_000);
      expect(board.edges.map(({ edge }) => edge)).toEqual(['rising', 'falling', 'rising']);
      expect(board.edges[0]).toMatchObject({ topic: '$gpio/door', lost: 0 });
      const times = board.edges.map(({ ns }) => Number(ns));
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(board.faults).toEqual([]);
    });

    it('are those of the grant only', async () => {
      board.world.drive(27, 1);
      await board.install({ gpio: [{ ...DOOR.gpio![0]!, edges: 'falling' }] });
      for (const level of [0, 1, 0, 1] as const) board.world.drive(27, level);
      await vi.waitFor(() => expect(board.edges).toHaveLength(2), 10_000);
      expect(board.edges.map(({ edge }) => edge)).toEqual(['falling', 'falling']);
    });

    it('are counted where there were more than anybody could take', async () => {
      board.world.drive(27, 1);
      await board.install(DOOR, { limits: { queueLength: 4096 } });
      for (let at = 0; at < 900; at += 1) board.world.drive(27, at % 2 === 0 ? 0 : 1);
      await vi.waitFor(() => {
        const told = board.edges.reduce((sum, { lost }) => sum + 1 + Number(lost), 0);
        expect(told).toBe(900);
      }, 10_000);
      expect(board.edges.some(({ lost }) => Number(lost) > 0)).toBe(true);
    });

    it('that cannot be had keep the release out, with a fault that names the pin', async () => {
      board.world.failEdges(constants.errno.EOPNOTSUPP);
      expect(await faultOf(board.install(DOOR))).toMatchObject({
        kind: 'incompatible',
        subject: 'gpio 0/27',
        message: expect.stringContaining('The edges of gpio 0/27 cannot be had'),
      });
      board.world.failEdges(0);
    });
  });

  describe('a line belongs to the app', () => {
    it('an output keeps its state over a swap, and is taken once', async () => {
      await board.install(LED, { config: { 'at-start': 'led' } });
      await led('setActive');
      const { requests, changes } = board.world.line(17);
      await board.install(LED, { version: '1.1.0', config: { 'at-start': 'led' } });
      await board.board.runtime.settle(PINS);
      expect(board.world.line(17)).toMatchObject({ level: 1, direction: 'out', requests, changes });
      await led('setInactive');
      expect(board.world.line(17).level).toBe(0);
    });

    it('an output keeps its state when the instance falls and is made anew', async () => {
      await board.install(LED, { config: { 'at-start': 'led' } });
      await led('setActive');
      const { requests, changes } = board.world.line(17);
      await faultOf(board.board.deliver('no-such-action', {}, 'pins'));
      await board.ask('idle');
      expect(board.world.line(17)).toMatchObject({ level: 1, requests, changes });
    });

    it('an output keeps its state when a candidate fails', async () => {
      await board.install(LED, { config: { 'at-start': 'led' } });
      await led('setActive');
      const before = board.world.line(17);
      await faultOf(board.install(LED, { version: '1.1.0', config: { 'at-start': 'led', start: 'refuse' } }));
      expect(board.world.line(17)).toEqual(before);
    });

    it('is given back when the app stops', async () => {
      await board.install(LED);
      await takeLed();
      await board.board.runtime.stop(PINS);
      await vi.waitFor(() => expect(board.world.line(17).direction).toBe('free'), 10_000);
    });

    it('is given back when no release that is left was granted it', async () => {
      await board.install({ gpio: [...LED.gpio!, ...BUTTON.gpio!] });
      await takeLed();
      await takeButton();
      await board.install(BUTTON, { version: '1.1.0' });
      expect(board.world.line(17).direction).toBe('out');
      await board.board.runtime.settle(PINS);
      await vi.waitFor(() => expect(board.world.line(17).direction).toBe('free'), 10_000);
      expect(board.world.line(27).direction).toBe('in');
    });

    it('is another app’s no longer', async () => {
      await board.install(LED);
      await takeLed();
      await board.install(LED, { app: 'pins-too' });
      const taken = await board.ask('pin', { as: 'out', label: 'led' }, 'pins-too');
      expect(taken).toEqual({ error: { tag: 'already-in-use' } });
      await board.board.runtime.stop(AppName.parse('pins-too'));
    });
  });

  describe('what was not granted', () => {
    it('attack: a pin that no grant names', async () => {
      await board.install(LED);
      expect(await board.ask('pin', { as: 'in', label: '0/27' })).toEqual({
        error: { tag: 'pin-not-allowed' },
      });
      expect(board.faults).toEqual([['capability-denied', 'gpio 0/27']]);
    });

    it('attack: a pin in as a pin out', async () => {
      await board.install(BUTTON);
      expect(await board.ask('pin', { as: 'out', label: 'button' })).toEqual({
        error: { tag: 'pin-mode-not-allowed' },
      });
      expect(board.faults).toEqual([['capability-denied', 'gpio 0/27 (out)']]);
      expect(board.world.line(27).direction).toBe('free');
    });

    it('attack: pins without a grant to any', async () => {
      await board.install({ i2c: [{ bus: 1, address: 0x48, access: 'read' }] });
      const fault = await faultOf(board.board.deliver('pin', { as: 'out', label: 'led' }, 'pins'));
      expect(fault).toMatchObject({ kind: 'capability-denied' });
      expect(fault.subject).toMatch(/^wasi:gpio\/digital/);
    });

    it('attack: pollables without end', async () => {
      await board.install(BUTTON);
      await takeButton();
      const fault = await faultOf(board.board.deliver('hoard', { label: 'button' }, 'pins'));
      expect(fault.kind).toBe('memory-limit');
    });

    it('a line that the board does not have is the draft’s error', async () => {
      await board.install({ gpio: [{ chip: 0, line: 900, direction: 'out', label: 'led' }] });
      expect(await takeLed()).toEqual({ error: { tag: 'undefined-pin-label' } });
      await board.install({ gpio: [{ chip: 7, line: 1, direction: 'out', label: 'led' }] });
      expect(await takeLed()).toEqual({ error: { tag: 'undefined-pin-label' } });
    });
  });

  it('a grant that is used is told of by its name', async () => {
    await board.install(LED);
    await takeLed();
    const used = board.board.told.used.flatMap(({ grants }) => grants);
    expect(used).toContain('gpio 0/17');
  });
});
