/** Rows → what the director signs. Pure. */
import {
  Days,
  releaseTarget,
  DesiredApp,
  type DesiredState,
  type DeviceId,
  type Digest,
} from '@wafer/protocol';
import type { assignments } from './tables.ts';

/** A device that hears nothing for longer keeps running what it has and installs nothing. */
const DESIRED_LIFE = Days(30);

/** An assignment with what its release adds. */
export type AssignedRow = Omit<typeof assignments.$inferSelect, 'device'> & {
  readonly digest: Digest;
  readonly length: number;
  readonly counter: number;
};

/** Parsed, because a row may have been written before a limit or a rule got its default. */
function desiredApp(row: AssignedRow): DesiredApp {
  const { app, execution, channel, version, digest, length, counter } = row;
  const { grants, config, limits, isolation, triggers, health } = row;
  const target = { path: releaseTarget(app, version, digest), sha256: digest, length };
  const secrets = row.sealed ?? {};
  const settings = { grants, config, secrets, limits, isolation, triggers, health };
  return DesiredApp.parse({ app, execution, channel, version, target, counter, ...settings });
}

/** Apps in the order of their names, so that the same rows make the same document. */
export function desiredState(
  device: DeviceId,
  version: number,
  rows: readonly AssignedRow[],
  nowMs: number,
): DesiredState {
  return {
    _type: 'wafer-desired',
    protocol: 1,
    device,
    version,
    issued: new Date(nowMs).toISOString(),
    expires: new Date(nowMs + DESIRED_LIFE).toISOString(),
    apps: rows.toSorted((a, b) => (a.app < b.app ? -1 : 1)).map(desiredApp),
  };
}
