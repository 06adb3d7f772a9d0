/** Lines by the agent's own ioctls on the kernel's simulator of GPIO, where this machine has it: CONFIG_GPIO_SIM, as root. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Line, type LineConfig } from '../../src/capabilities/board/gpio.ts';
import { openKernel, POLLIN } from '../../src/capabilities/board/kernel.ts';

const CONFIGFS = '/sys/kernel/config/gpio-sim';
const hasSimulator = existsSync(CONFIGFS) || spawnSync('modprobe', ['gpio-sim']).status === 0;

describe.runIf(hasSimulator && existsSync(CONFIGFS))('on the kernel simulator', () => {
  const device = join(CONFIGFS, `wafer-${process.pid}`);
  const bank = join(device, 'bank0');
  const kernel = openKernel();
  const plain: LineConfig = { direction: 'in', activeLow: false, bias: undefined, debounceMs: 0 };
  let chip: number;
  let sysfs: string;
  const text = (path: string): string => readFileSync(path, 'utf8').trim();

  beforeAll(() => {
    mkdirSync(device);
    mkdirSync(bank);
    writeFileSync(join(bank, 'num_lines'), '8');
    writeFileSync(join(device, 'live'), '1');
    const name = text(join(bank, 'chip_name'));
    chip = Number(name.replace('gpiochip', ''));
    sysfs = `/sys/devices/platform/${text(join(device, 'dev_name'))}/${name}`;
  });
  afterAll(() => {
    writeFileSync(join(device, 'live'), '0');
    rmdirSync(bank);
    rmdirSync(device);
  });

  it('sets a line out, keeps its state when it is wired otherwise, and is had once', () => {
    const config: LineConfig = { ...plain, direction: 'out' };
    const line = new Line(kernel, chip, 1, config, true);
    expect(text(join(sysfs, 'sim_gpio1/value'))).toBe('1');
    expect(() => new Line(kernel, chip, 1, config, false)).toThrow('EBUSY');
    line.configure({ ...config, activeLow: true });
    expect(text(join(sysfs, 'sim_gpio1/value'))).toBe('0');
    line.set(false);
    expect(text(join(sysfs, 'sim_gpio1/value'))).toBe('1');
    line.close();
  });

  it('reads a line in, and its edges', async () => {
    const line = new Line(kernel, chip, 2, plain, false);
    line.detectEdges();
    writeFileSync(join(sysfs, 'sim_gpio2/pull'), 'pull-up');
    const ready = await kernel.poll([{ fd: line.fd, events: POLLIN }], 5000);
    expect(ready.has(line.fd)).toBe(true);
    expect(line.takeEdges()).toMatchObject([{ edge: 'rising', lost: 0 }]);
    expect(line.read()).toBe(true);
    line.close();
  });

  it('has no line beyond its last', () => {
    expect(() => new Line(kernel, chip, 8, plain, false)).toThrow('EINVAL');
  });
});
