/** How the board is: what a health report says, read from the operating system. */
import { readdir, readFile, statfs } from 'node:fs/promises';
import { cpus, freemem, totalmem, uptime } from 'node:os';
import { isoNow, MAX_PAYLOAD_BYTES, type AppHealth, type Clock, type HealthReport } from '@wafer/protocol';

export interface CpuTimes {
  readonly idle: number;
  readonly total: number;
}

function readCpuTimes(): CpuTimes {
  let idle = 0;
  let total = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { idle, total };
}

/** Share of all cores that was busy between two readings, 0 to 1. */
export function cpuBetween(before: CpuTimes, after: CpuTimes): number {
  const total = after.total - before.total;
  if (total <= 0) return 0;
  return Math.min(1, Math.max(0, 1 - (after.idle - before.idle) / total));
}

/** `VmRSS` of /proc/self/status, bytes; undefined when there is no such line. */
export function parseVmRss(status: string): number | undefined {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  return match === null ? undefined : Number(match[1]) * 1024;
}

/** `MemAvailable` of /proc/meminfo, bytes: what `free` would call available. */
export function parseMemAvailable(meminfo: string): number | undefined {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo);
  return match === null ? undefined : Number(match[1]) * 1024;
}

/** Sensors that are not there read as -273 °C or as absurd heat. */
export const hottest = (milliCelsius: readonly number[]): number | undefined => {
  const sane = milliCelsius.map((value) => value / 1000).filter((value) => value > -55 && value < 200);
  return sane.length === 0 ? undefined : Math.max(...sane);
};

const THERMAL = '/sys/class/thermal';

async function temperature(): Promise<number | undefined> {
  const zones = (await readdir(THERMAL).catch(() => [])).filter((name) => /^thermal_zone\d+$/.test(name));
  const readings = await Promise.all(
    zones.map((zone) => readFile(`${THERMAL}/${zone}/temp`, 'utf8').catch(() => '')),
  );
  return hottest(readings.filter((text) => /^-?\d+\s*$/.test(text)).map(Number));
}

/** Resident memory of this process, its threads included. Under some emulators Node reads 0. */
async function agentBytes(): Promise<number> {
  const { rss } = process.memoryUsage();
  if (rss > 0) return rss;
  return parseVmRss(await readFile('/proc/self/status', 'utf8').catch(() => '')) ?? 0;
}

/** `write_bytes` of /proc/self/io: what went to storage, by threads and ended children as well. */
export function parseWritten(io: string): number | undefined {
  const match = /^write_bytes: (\d+)$/m.exec(io);
  return match === null ? undefined : Number(match[1]);
}

/** What fits in a message with room to spare; suggestions are the first to be left out. */
const MAX_REPORT_BYTES = MAX_PAYLOAD_BYTES - 4096;

/** Words are the one part of an app's health that may be long, and the one that can wait. */
export function fitted(report: HealthReport): HealthReport {
  if (Buffer.byteLength(JSON.stringify(report)) <= MAX_REPORT_BYTES) return report;
  const apps = report.apps.map((app) => ({ ...app }));
  for (const app of apps) delete app.unusedGrants;
  return { ...report, apps };
}

export interface HealthSource {
  /** A report of now; `cpu` is over the time since the last one. */
  report(): Promise<HealthReport>;
}

export interface HealthOptions {
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly apps: () => AppHealth[];
}

export function createHealth({ dataFolder, clock, apps }: HealthOptions): HealthSource {
  let last = readCpuTimes();
  return {
    async report() {
      const times = readCpuTimes();
      const cpu = cpuBetween(last, times);
      last = times;
      const [disk, temperatureC, bytes, meminfo, io] = await Promise.all([
        statfs(dataFolder),
        temperature(),
        agentBytes(),
        readFile('/proc/meminfo', 'utf8').catch(() => ''),
        readFile('/proc/self/io', 'utf8').catch(() => ''),
      ]);
      const totalBytes = totalmem();
      const writtenBytes = parseWritten(io);
      const free = parseMemAvailable(meminfo) ?? freemem();
      return fitted({
        at: isoNow(clock),
        uptimeSeconds: uptime(),
        cpu,
        memory: { usedBytes: Math.max(0, totalBytes - free), totalBytes },
        agentBytes: bytes,
        disk: {
          usedBytes: (disk.blocks - disk.bfree) * disk.bsize,
          totalBytes: disk.blocks * disk.bsize,
        },
        ...(writtenBytes === undefined ? {} : { writtenBytes }),
        ...(temperatureC === undefined ? {} : { temperatureC }),
        apps: apps().slice(0, 64),
      });
    },
  };
}
