/** What a dry run says of a device: whether the rollout would update it, and if not, why. Pure. */
import {
  beyondPolicy,
  selfTestSubject,
  type AppName,
  type Approved,
  type ChannelName,
  type Digest,
  type Policy,
  type SelfTest,
  type Verdict,
  type Version,
} from '@wafer/protocol';
import { isOpen, type Hours } from '@wafer/protocol/window';

/** A release that the rollout brings. */
export interface Target {
  readonly app: AppName;
  readonly version: Version;
  readonly digest: Digest;
  /** Chunks of it as they travel, bytes. */
  readonly bytes: number;
  readonly approved: Approved;
}

/** What is known of a device about one of the targets. */
export interface AppFacts {
  /** By its last report. */
  readonly running: Digest | undefined;
  readonly pinned: Version | undefined;
  /** How it refused this very release the last time that it was asked for it. */
  readonly refusal:
    { readonly kind: 'incompatible' | 'capability-denied'; readonly subject: string } | undefined;
}

export interface DeviceFacts {
  readonly online: boolean;
  /** ISO 8601. */
  readonly lastSeen: string | null;
  readonly timeZone: string;
  /** Of its owner, as its last hello said. */
  readonly policy: Policy;
  readonly restsUntil: string | null;
  /** In which its board failed, so that it refuses apps. */
  readonly failedTest: SelfTest | null;
}

export interface Found {
  readonly verdict: Verdict;
  /** The grant, the rule, since when, until when; for people. */
  readonly detail: string | null;
  /** What the device would receive. */
  readonly bytes: number;
}

interface Circumstances {
  readonly channel: ChannelName;
  readonly targets: readonly Target[];
  readonly hours: Hours;
  readonly now: number;
}

const found = (verdict: Verdict, detail: string | null, bytes = 0): Found => ({ verdict, detail, bytes });

function refusalOf(apps: readonly AppFacts[]): Found | undefined {
  for (const { refusal } of apps) {
    if (refusal === undefined) continue;
    return found(refusal.kind === 'incompatible' ? 'incompatible' : 'missing-grant', refusal.subject);
  }
  return undefined;
}

/** `apps` stands beside `targets`, in the same order. The first reason counts. */
export function verdictOf(
  device: DeviceFacts,
  apps: readonly AppFacts[],
  { channel, targets, hours, now }: Circumstances,
): Found {
  const pinned = apps.findIndex((app) => app.pinned !== undefined);
  if (pinned !== -1) return found('pinned', `${targets[pinned]?.app} ${apps[pinned]?.pinned}`);
  // What it has installed it does not run either.
  for (const { app } of targets) {
    const failed = selfTestSubject(device.failedTest, app);
    if (failed !== undefined) return found('incompatible', failed);
  }
  const missing = targets.filter(({ digest }, index) => apps[index]?.running !== digest);
  if (missing.length === 0) return found('already-installed', null);
  if (device.restsUntil !== null && Date.parse(device.restsUntil) > now)
    return found('resting', `until ${device.restsUntil}`);
  const refusal = refusalOf(apps);
  if (refusal !== undefined) return refusal;
  for (const { app, approved } of targets) {
    const fault = beyondPolicy(
      { app, channel, grants: approved.grants, limits: approved.limits },
      device.policy,
    );
    if (fault !== undefined) return found('refused', fault.subject ?? fault.message);
  }
  const bytes = missing.reduce((sum, target) => sum + target.bytes, 0);
  if (!device.online)
    return found('silent', device.lastSeen === null ? 'never seen' : `since ${device.lastSeen}`, bytes);
  if (!isOpen(hours, device.timeZone, now)) return found('outside-window', `in ${device.timeZone}`, bytes);
  return found('update', null, bytes);
}
