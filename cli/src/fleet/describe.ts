/** Tables and pages for people. Pure: lists in, text out; `now` is in ms since 1970. */
import type { DeviceApp, DeviceDetail, DeviceSummary, ReleaseView } from '@wafer/protocol';
import { fields, printable, table } from '../table.ts';
import { describeSelfTest } from './boards.ts';
import { describeChanges } from './changes.ts';
import { describeUsage } from './usage.ts';

const SHORT_DIGEST = 12;

/** `12 s`, `5 min`, `3 h`, `8 d` ago. */
export function ago(at: string | null, nowMs: number): string {
  if (at === null) return 'never';
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(at)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** What it runs, and what it should run where that differs. */
export function appLine({ app, running, desired }: DeviceApp): string {
  if (running === null) return desired === null ? app : `${app} – → ${desired.version}`;
  const state = running.state === 'running' ? '' : ` (${running.state})`;
  const next = desired === null || desired.version === running.version ? '' : ` → ${desired.version}`;
  return `${app} ${running.version}${state}${next}`;
}

export const describeDevices = (devices: readonly DeviceSummary[], nowMs: number): string =>
  table(
    ['id', 'name', 'arch', 'health', 'seen', 'channels', 'apps'],
    devices.map((device) => [
      device.id,
      device.name,
      device.arch,
      device.health,
      device.online ? 'online' : ago(device.lastSeen, nowMs),
      device.channels.join(', '),
      device.apps.map(appLine).join(', '),
    ]),
    'no devices yet: make a token with wafer claim create',
  );

export function describeDevice(device: DeviceDetail, nowMs: number): string {
  const { inventory, latest } = device;
  const page = fields([
    ['id', device.id],
    ['name', device.name],
    ['health', device.health],
    ['seen', device.online ? 'online' : ago(device.lastSeen, nowMs)],
    ['channels', device.channels.join(', ')],
    ...Object.entries(device.pins).map(([app, version]) => ['pinned', `${app} ${version}`] as const),
    ...(device.rests === null || Date.parse(device.rests.until) <= nowMs
      ? []
      : [['rests', `until ${device.rests.until}: ${device.rests.why}`] as const]),
    ['architecture', device.arch],
    ...(inventory === null
      ? []
      : ([
          ['board', inventory.board],
          ['self-test', describeSelfTest(device.selfTest)],
          ['system', `${inventory.os}, Node ${inventory.node}, agent ${inventory.agent}`],
        ] as const)),
    ...(latest === null
      ? []
      : ([
          ['processor', `${Math.round(latest.cpu * 100)} %`],
          ['memory', `${mebibytes(latest.memory.usedBytes)} of ${mebibytes(latest.memory.totalBytes)}`],
          ...(latest.writtenBytes === undefined
            ? []
            : ([
                ['written', `${mebibytes(latest.writtenBytes)} to its storage since the agent started`],
              ] as const)),
          ...(latest.temperatureC === undefined
            ? []
            : ([['temperature', `${latest.temperatureC.toFixed(1)} °C`]] as const)),
        ] as const)),
  ]);
  const apps = table(
    ['app', 'running', 'state', 'desired', 'execution', 'fault'],
    device.apps.map(({ app, running, desired, execution }) => [
      app,
      running?.version ?? '–',
      running?.state ?? '–',
      desired?.version ?? '–',
      execution?.state ?? '–',
      execution?.fault ? `${execution.fault.kind}: ${firstLine(execution.fault.message)}` : '–',
    ]),
    'no apps',
  );
  const stacks = device.apps.flatMap(({ app, execution }) => describeStack(app, execution?.fault?.message));
  const messages = device.messages.map(({ app, topic, payload }) => [app, topic, payload]);
  const said = messages.length === 0 ? '' : `\n\n${table(['app', 'topic', 'last message'], messages, '')}`;
  const used = describeUsage(device, nowMs);
  const changes = describeChanges(device);
  const parts = [page, apps, changes, used, ...stacks].filter((part) => part !== '');
  return `${parts.join('\n\n')}${said}`;
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

/** A fault of several lines, which a table has no room for: what the guest said, and its stack. */
function describeStack(app: string, message: string | undefined): string[] {
  const lines = message?.split('\n') ?? [];
  return lines.length < 2
    ? []
    : [[`fault of ${app}:`, ...lines.map((line) => `  ${printable(line)}`)].join('\n')];
}

export const describeReleases = (releases: readonly ReleaseView[]): string =>
  table(
    ['app', 'version', 'no', 'world', 'digest', 'size', 'channels', 'published'],
    releases.map((release) => [
      release.app,
      release.version,
      String(release.counter),
      release.world,
      release.digest.slice(0, SHORT_DIGEST),
      `${Math.ceil(release.length / 1024)} KiB`,
      release.channels.join(', '),
      release.published,
    ]),
    'no releases yet: publish one with wafer publish',
  );

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
