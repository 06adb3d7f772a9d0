/** What a batch of live hints asks to be read again; pure, so that the order of hints is testable. */
import type { LiveEvent } from '@wafer/protocol/api';

export interface Batch {
  /** Everything may be stale. */
  readonly all: boolean;
  /** Devices whose summary, apps or timeline changed. */
  readonly devices: ReadonlySet<string>;
  /** Devices that sent a health report and nothing else. */
  readonly reporting: ReadonlySet<string>;
  readonly releases: boolean;
  readonly channels: boolean;
  readonly groups: boolean;
}

export function gather(events: readonly LiveEvent[]): Batch {
  const devices = new Set<string>();
  const reporting = new Set<string>();
  let [all, releases, channels, groups] = [false, false, false, false];
  for (const event of events) {
    switch (event.type) {
      case 'device':
        devices.add(event.device);
        break;
      case 'health':
        reporting.add(event.device);
        break;
      case 'release':
        releases = true;
        break;
      case 'channel':
        // a release names the channels that it is current in
        channels = true;
        releases = true;
        break;
      case 'rollout':
        // no page shows rollouts; what they do to devices and channels is told by itself
        break;
      case 'group':
        groups = true;
        break;
      case 'resync':
        all = true;
        break;
    }
  }
  return { all, devices, reporting, releases, channels, groups };
}
