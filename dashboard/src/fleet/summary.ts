/** The fleet in a few figures. */
import type { DeviceHealth, DeviceSummary, ExecutionView } from '@wafer/protocol/api';

export interface Summary {
  readonly devices: number;
  readonly online: number;
  readonly byHealth: Readonly<Record<DeviceHealth, number>>;
  /** Apps that run, or should run, on at least one device. */
  readonly apps: number;
  /** The execution that changed last, and where. */
  readonly lastChange: { readonly execution: ExecutionView; readonly device: DeviceSummary } | null;
}

export function summarise(devices: readonly DeviceSummary[]): Summary {
  const byHealth: Record<DeviceHealth, number> = { healthy: 0, failing: 0, offline: 0, unknown: 0 };
  const apps = new Set<string>();
  let lastChange: Summary['lastChange'] = null;
  let online = 0;
  for (const device of devices) {
    byHealth[device.health] += 1;
    if (device.online) online += 1;
    for (const { app, execution } of device.apps) {
      apps.add(app);
      if (execution && (lastChange === null || execution.updated > lastChange.execution.updated))
        lastChange = { execution, device };
    }
  }
  return { devices: devices.length, online, byHealth, apps: apps.size, lastChange };
}
