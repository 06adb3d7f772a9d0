import { expect, it } from 'vitest';
import { parseStalled, readMemory } from './sensor.ts';

const MIB = 2 ** 20;
const MEMINFO = `MemTotal:  ${512 * 1024} kB\nMemFree: 1 kB\nMemAvailable: ${200 * 1024} kB\n`;
const reading = (files: Record<string, string>) => readMemory((path) => files[path]);

it('is the board’s where nothing bounds the agent', () => {
  const files = {
    '/proc/meminfo': MEMINFO,
    '/proc/self/cgroup': '0::/\n',
    '/sys/fs/cgroup//memory.max': 'max\n',
  };
  expect(reading(files)).toEqual({ availableBytes: 200 * MIB, totalBytes: 512 * MIB, stalled: 0 });
});

it('is what the agent’s cgroup leaves where that is less, with the pages of files that can go', () => {
  const at = '/sys/fs/cgroup/system.slice/wafer-agent.service';
  expect(
    reading({
      '/proc/meminfo': MEMINFO,
      '/proc/pressure/memory':
        'some avg10=40.00 avg60=1 avg300=0 total=1\nfull avg10=25.00 avg60=1 avg300=0 total=1\n',
      '/proc/self/cgroup': '0::/system.slice/wafer-agent.service\n',
      [`${at}/memory.max`]: `${128 * MIB}\n`,
      [`${at}/memory.current`]: `${100 * MIB}\n`,
      [`${at}/memory.stat`]: `anon 1\ninactive_file ${8 * MIB}\n`,
    }),
  ).toEqual({ availableBytes: 36 * MIB, totalBytes: 128 * MIB, stalled: 0.25 });
});

it('reads cgroups of the first version, and takes their largest number for no limit', () => {
  const at = '/sys/fs/cgroup/memory/agent';
  const files = {
    '/proc/meminfo': MEMINFO,
    '/proc/self/cgroup': '9:name=systemd:/\n4:memory:/agent\n0::/\n',
    [`${at}/memory.limit_in_bytes`]: `${64 * MIB}\n`,
    [`${at}/memory.usage_in_bytes`]: `${60 * MIB}\n`,
  };
  expect(reading(files)?.availableBytes).toBe(4 * MIB);
  expect(reading({ ...files, [`${at}/memory.limit_in_bytes`]: '9223372036854771712\n' })?.totalBytes).toBe(
    512 * MIB,
  );
});

it('says nothing where the system says nothing', () => {
  expect(reading({})).toBeUndefined();
  expect(parseStalled('')).toBe(0);
});
