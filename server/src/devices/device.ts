/** A device as people see it, made of rows. Pure. */
import {
  Limits,
  type AppName,
  type DeviceApp,
  type DeviceHealth,
  type DeviceId,
  type DeviceSummary,
  type ExecutionState,
} from '@wafer/protocol';
import type { assignments, executions } from '../rollouts/index.ts';
import type { deviceApps, devices } from './tables.ts';

export type DeviceRow = Omit<typeof devices.$inferSelect, 'agentKey'>;

/** All rows about the apps of some devices. */
export interface AppRows {
  readonly running: readonly Omit<typeof deviceApps.$inferSelect, 'versionKey'>[];
  readonly desired: readonly (typeof assignments.$inferSelect)[];
  /** The latest execution of each app on each device. */
  readonly executions: readonly (typeof executions.$inferSelect)[];
}

const BAD_ENDS: ReadonlySet<ExecutionState> = new Set(['FAILED', 'ROLLED_BACK', 'REJECTED', 'TIMED_OUT']);

/** One word. `hasReported`: anything of the device's reports is known; `isFit`: its self-test did not fail. */
export function healthOf(
  { online, hasReported, isFit }: Record<'online' | 'hasReported' | 'isFit', boolean>,
  apps: readonly Pick<DeviceApp, 'running' | 'execution'>[],
): DeviceHealth {
  if (!online) return 'offline';
  if (!hasReported) return 'unknown';
  if (!isFit) return 'failing';
  const isFailing = apps.some(
    ({ running, execution }) =>
      running?.state === 'failed' || (execution !== null && BAD_ENDS.has(execution.state)),
  );
  return isFailing ? 'failing' : 'healthy';
}

/** Apps of each device, by name. An app that neither runs nor should run is left out. */
export function appsOf(rows: AppRows): Map<DeviceId, DeviceApp[]> {
  const byDevice = new Map<DeviceId, Map<AppName, DeviceApp>>();
  const entry = (device: DeviceId, app: AppName): DeviceApp => {
    const apps = byDevice.get(device) ?? new Map<AppName, DeviceApp>();
    byDevice.set(device, apps);
    const known = apps.get(app) ?? { app, running: null, desired: null, execution: null };
    apps.set(app, known);
    return known;
  };
  for (const { device, app, version, digest, state } of rows.running)
    entry(device, app).running = { version, digest, state };
  // Rows of an older server lack the limits that came since.
  for (const { device, app, version, channel, grants, limits, isolation, triggers } of rows.desired)
    entry(device, app).desired = {
      version,
      channel,
      grants,
      limits: Limits.parse(limits),
      isolation,
      triggers,
    };
  for (const { device, created, updated, ...execution } of rows.executions) {
    const app = byDevice.get(device)?.get(execution.app);
    if (app === undefined) continue;
    app.execution = { ...execution, created: created.toISOString(), updated: updated.toISOString() };
  }
  const byName = (a: DeviceApp, b: DeviceApp): number => (a.app < b.app ? -1 : 1);
  return new Map([...byDevice].map(([device, apps]) => [device, [...apps.values()].toSorted(byName)]));
}

export function summaryOf(row: DeviceRow, apps: readonly DeviceApp[]): DeviceSummary {
  const { id, name, arch, group, tags, channels, online } = row;
  return {
    id,
    name,
    arch,
    group,
    tags,
    channels,
    online,
    lastSeen: row.lastSeen?.toISOString() ?? null,
    enrolled: row.enrolled.toISOString(),
    health: healthOf(
      { online, hasReported: row.ackedReport > 0, isFit: row.selfTest?.passed !== false },
      apps,
    ),
    apps: [...apps],
  };
}
