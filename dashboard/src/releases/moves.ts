/** What moving a channel to a release means, before it is done. */
import type { ChannelView, ReleaseView } from '@wafer/protocol/api';

export interface MovePlan {
  /** The release that the channel holds now; null when it holds none of the app. */
  readonly from: string | null;
  readonly devices: number;
  readonly kind: 'first' | 'forward' | 'back' | 'same';
}

/** `counter` orders releases: versions are names and may not. */
export function planMove(
  release: ReleaseView,
  releases: readonly ReleaseView[],
  channel: ChannelView | undefined,
): MovePlan {
  const from = channel?.apps.find(({ app }) => app === release.app)?.version ?? null;
  const current = releases.find(({ app, version }) => app === release.app && version === from);
  const kind = () => {
    if (from === null) return 'first';
    if (from === release.version) return 'same';
    return current !== undefined && current.counter > release.counter ? 'back' : 'forward';
  };
  return { from, devices: channel?.devices ?? 0, kind: kind() };
}

/** Releases by app in alphabetical order, newest first. */
export function byApp(releases: readonly ReleaseView[]): [app: string, releases: ReleaseView[]][] {
  const groups = Map.groupBy(releases, ({ app }) => app as string);
  return [...groups]
    .map(([app, list]): [string, ReleaseView[]] => [app, list.toSorted((a, b) => b.counter - a.counter)])
    .toSorted(([a], [b]) => a.localeCompare(b));
}
