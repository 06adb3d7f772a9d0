/** Guests, an I²C bus, serial lines and sensors, on the bus simulator, a pair of terminals and a sysfs of files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { AppName, type Grants } from '@wafer/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { faultOf } from '../apps/harness.ts';
import { PinBoard } from './pin-board.ts';
import { hasCompiler } from './simulator.ts';
import { Terminal } from './terminal.ts';

describe.runIf(hasCompiler())('on the bus simulator', () => {
  let board: PinBoard;
  beforeAll(async () => {
    board = await PinBoard.open();
  }, 60_000);
  afterAll(() => board.close());
  beforeEach(() => board.clear());

  const { errno } = constants;
  /** Node has no name for it. */
  const EREMOTEIO = 121;
  const at = (address: number, access: 'read' | 'write'): Grants => ({ i2c: [{ bus: 1, address, access }] });

  describe('an I²C address', () => {
    it('is read from a register on, with a grant to read', async () => {
      board.world.plug(0, 0x48, { registers: { 0: [0x19, 0x80], 3: [0x50, 0x00] } });
      await board.install(at(0x48, 'read'));
      expect(await board.ask('i2c-write-read', { address: 0x48, bytes: [3], length: 2 })).toEqual({
        ok: [0x50, 0],
      });
      expect(await board.ask('i2c-read', { address: 0x48, length: 1 })).toEqual({ ok: [0x50] });
      expect(await board.ask('i2c-transaction', { address: 0x48, operations: [[0], 1, 2] })).toEqual({
        ok: [[0x19], [0x19, 0x80]],
      });
      expect(board.faults).toEqual([]);
    });

    it('is written to with a grant to write', async () => {
      board.world.plug(0, 0x20, { registers: {} });
      await board.install(at(0x20, 'write'));
      expect(await board.ask('i2c-write', { address: 0x20, bytes: [6, 0xaa, 0x55] })).toEqual({ ok: null });
      expect(board.world.register(0, 6)).toEqual([0xaa, 0x55, 0, 0]);
    });

    it.each([
      ['nobody answers', errno.ENXIO, { tag: 'no-acknowledge', val: 'address' }],
      ['the data is not acknowledged', EREMOTEIO, { tag: 'no-acknowledge', val: 'unknown' }],
      ['another controller was first', errno.EAGAIN, { tag: 'arbitration-loss' }],
      ['the bus hangs', errno.ETIMEDOUT, { tag: 'bus' }],
      ['the adapter cannot do it', errno.EOPNOTSUPP, { tag: 'other' }],
    ])('answers the draft’s error when %s', async (_, failsWith, error) => {
      board.world.plug(0, 0x48, { registers: {}, failsWith });
      await board.install(at(0x48, 'read'));
      expect(await board.ask('i2c-read', { address: 0x48, length: 1 })).toEqual({ error });
      expect(board.faults).toEqual([]);
    });

    it('attack: an address that no grant names', async () => {
      board.world.plug(0, 0x50, { registers: {} });
      await board.install(at(0x48, 'read'));
      const before = board.world.transactions(0);
      expect(await board.ask('i2c-read', { address: 0x50, length: 1 })).toEqual({ error: { tag: 'other' } });
      expect(board.faults).toEqual([['capability-denied', 'i2c 1/0x50']]);
      expect(board.world.transactions(0)).toBe(before);
    });

    it('attack: a bus that no grant names', async () => {
      await board.install(at(0x48, 'read'));
      expect(await board.ask('bus', { bus: 0 })).toEqual({ error: { tag: 'denied' } });
      expect(board.faults).toEqual([['capability-denied', 'i2c 0']]);
    });

    it.each([
      ['i2c-write', { bytes: [0, 1] }],
      ['i2c-write', { bytes: [0] }],
      ['i2c-write-read', { bytes: [0, 1], length: 1 }],
      ['i2c-transaction', { operations: [1, [0]] }],
      ['i2c-transaction', { operations: [[0], 1, [0]] }],
    ])('attack: a write with a grant to read, by %s %j', async (action, args) => {
      board.world.plug(0, 0x48, { registers: { 0: [7] } });
      await board.install(at(0x48, 'read'));
      expect(await board.ask(action, { address: 0x48, ...args })).toEqual({ error: { tag: 'other' } });
      expect(board.faults).toEqual([['capability-denied', 'i2c 1/0x48 (write)']]);
      expect(board.world.transactions(0)).toBe(0);
    });

    it('is not had where a driver of the kernel has it', async () => {
      board.world.plug(0, 0x68, { registers: {}, hasDriver: true });
      await board.install(at(0x68, 'write'));
      expect(await board.ask('i2c-read', { address: 0x68, length: 1 })).toEqual({ error: { tag: 'other' } });
      expect(board.world.transactions(0)).toBe(0);
    });

    it('takes no more than the kernel does', async () => {
      board.world.plug(0, 0x48, { registers: {} });
      await board.install(at(0x48, 'read'));
      const tooLong = { address: 0x48, length: 8193 };
      expect(await board.ask('i2c-read', tooLong)).toEqual({ error: { tag: 'other' } });
      const tooMany = { address: 0x48, operations: Array.from({ length: 43 }, () => 1) };
      expect(await board.ask('i2c-transaction', tooMany)).toEqual({ error: { tag: 'other' } });
    });

    it('attack: a bus that hangs holds up no other guest', async () => {
      board.world.plug(0, 0x48, { registers: {}, delayMs: 2500 });
      await board.install(at(0x48, 'read'), { isolation: 'dedicated', limits: { deadlineMs: 30_000 } });
      const led: Grants = { gpio: [{ chip: 0, line: 17, direction: 'out', label: 'led' }] };
      await board.install(led, { app: 'pins-too', isolation: 'dedicated' });
      const order: string[] = [];
      const slow = board.ask('i2c-read', { address: 0x48, length: 1 }).then(() => order.push('bus'));
      await vi.waitFor(() => expect(board.world.transactions(0)).toBe(1), 10_000);
      await board.ask('pin', { as: 'out', label: 'led' }, 'pins-too').then(() => order.push('pin'));
      await slow;
      expect(order).toEqual(['pin', 'bus']);
      await board.board.runtime.stop(AppName.parse('pins-too'));
    });

    it('costs a guest its deadline, and the next one works', async () => {
      board.world.plug(0, 0x48, { registers: { 0: [7] }, delayMs: 600 });
      await board.install(at(0x48, 'read'), { limits: { deadlineMs: 150 } });
      const fault = await faultOf(board.board.deliver('i2c-read', { address: 0x48, length: 1 }, 'pins'));
      expect(fault.kind).toBe('deadline');
      board.world.plug(0, 0x48, { registers: { 0: [7] } });
      await board.install(at(0x48, 'read'));
      expect(await board.ask('i2c-read', { address: 0x48, length: 1 })).toEqual({ ok: [7] });
    });
  });

  describe('a serial line', () => {
    let terminal: Terminal;
    beforeEach(() => {
      terminal = new Terminal();
      return () => terminal.close();
    });
    const granted = (): Grants => ({
      serial: [{ device: terminal.device, baud: 9600, parity: 'none', stopBits: 1 }],
    });

    it('is written to and read from, byte by byte as it comes', async () => {
      await board.install(granted());
      expect(await board.ask('serial', { device: terminal.device })).toEqual({ ok: null });
      await board.ask('serial-write', { text: 'AT\r\n' });
      expect(terminal.read()).toBe('AT\r\n');
      terminal.write('OK\r');
      expect(await board.ask('serial-read', { max: 10, waitMs: 2000 })).toEqual({ ok: 'OK\r' });
      expect(await board.ask('serial-read', { max: 10, waitMs: 0 })).toEqual({ ok: '' });
    });

    it('waits for what comes later, no longer than it was told', async () => {
      await board.install(granted());
      await board.ask('serial', { device: terminal.device });
      expect(await board.ask('serial-read', { max: 10, waitMs: 20 })).toEqual({ ok: '' });
      const answer = board.ask('serial-read', { max: 10, waitMs: 10_000 });
      terminal.write('late');
      expect(await answer).toEqual({ ok: 'late' });
    });

    it('that is not there is absent', async () => {
      const device = '/dev/ttyUSB250';
      await board.install({ serial: [{ device, baud: 9600, parity: 'none', stopBits: 1 }] });
      expect(await board.ask('serial', { device })).toEqual({ error: { tag: 'absent' } });
    });

    it('attack: a device that no grant names', async () => {
      await board.install(granted());
      expect(await board.ask('serial', { device: '/dev/ttyS0' })).toEqual({ error: { tag: 'denied' } });
      expect(board.faults).toEqual([['capability-denied', 'serial /dev/ttyS0']]);
    });
  });

  describe('a sensor', () => {
    const file = (path: string, text: string) => {
      mkdirSync(join(board.sys, path, '..'), { recursive: true });
      writeFileSync(join(board.sys, path), text);
    };
    const THERMOMETER = '28-0316a2795aff';
    const W1 = `bus/w1/devices/${THERMOMETER}/w1_slave`;
    const wire: Grants = { sensors: [{ kind: 'onewire', device: THERMOMETER }] };
    const iio: Grants = { sensors: [{ kind: 'iio', device: 'iio:device0' }] };

    it('on a 1-Wire bus gives its temperature', async () => {
      file(W1, '72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=-23125\n');
      await board.install(wire);
      expect(await board.ask('sense', { device: THERMOMETER })).toEqual({
        ok: [{ name: 'temp', value: -23125, unit: 'm°C' }],
      });
    });

    it('whose checksum did not hold gives none', async () => {
      file(W1, '72 01 4b 46 7f ff 0e 10 00 : crc=57 NO\n72 01 4b 46 7f ff 0e 10 00 t=23125\n');
      await board.install(wire);
      expect(await board.ask('sense', { device: THERMOMETER })).toMatchObject({ error: { tag: 'failed' } });
    });

    it('of Industrial I/O gives all its channels, scaled', async () => {
      const folder = 'bus/iio/devices/iio:device0';
      file(`${folder}/in_temp_raw`, '2100\n');
      file(`${folder}/in_temp_offset`, '-100\n');
      file(`${folder}/in_temp_scale`, '10.5\n');
      file(`${folder}/in_humidityrelative_input`, '40500\n');
      file(`${folder}/in_voltage0_raw`, '3\n');
      file(`${folder}/in_voltage_scale`, '2\n');
      file(`${folder}/name`, 'bme280\n');
      await board.install(iio);
      expect(await board.ask('sense', { device: 'iio:device0' })).toEqual({
        ok: [
          { name: 'humidityrelative', value: 40500, unit: 'm%' },
          { name: 'temp', value: 21000, unit: 'm°C' },
          { name: 'voltage0', value: 6, unit: 'mV' },
        ],
      });
    });

    it('that is not there is absent, and one that no grant names is denied', async () => {
      await board.install({ sensors: [{ kind: 'iio', device: 'iio:device9' }] });
      expect(await board.ask('sense', { device: 'iio:device9' })).toEqual({ error: { tag: 'absent' } });
      expect(await board.ask('sense', { device: THERMOMETER })).toEqual({ error: { tag: 'denied' } });
      expect(board.faults).toEqual([['capability-denied', `sensors ${THERMOMETER}`]]);
    });
  });
});
