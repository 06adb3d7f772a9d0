/**
 * The owner's upper bound (`policy` in agent.yaml) against one order. A rule has the name that it has in
 * that file, such as `policy.limits.memoryMiB`, so the owner finds it there.
 */
import { firstBeyond, type DesiredApp, type Fault } from '@wafer/protocol';
import { grantsBound, limitBeyond, type Policy } from '../config.ts';

type Bounded = Pick<DesiredApp, 'app' | 'channel' | 'grants' | 'limits'>;

/** The first rule that the order breaks, as a `policy` fault; undefined when it keeps to all of them. */
export function beyondPolicy({ app, channel, grants, limits }: Bounded, policy: Policy): Fault | undefined {
  if (policy.apps !== undefined && !policy.apps.includes(app)) return refusal('policy.apps', `app ${app}`);
  if (policy.channels !== undefined && !policy.channels.includes(channel)) {
    return refusal('policy.channels', `channel ${channel}`);
  }
  const bound = grantsBound(policy, grants);
  const grant = bound === undefined ? undefined : firstBeyond(grants, bound);
  // `messaging.publish telemetry/#` breaks the rule for `messaging.publish`.
  if (grant !== undefined) return refusal(`policy.grants.${grant.split(' ')[0]}`, grant);
  const limit = limitBeyond(policy, limits);
  if (limit === undefined) return undefined;
  return refusal(`policy.limits.${limit.name}`, `${limit.name} ${limit.wanted} (at most ${limit.cap})`);
}

const refusal = (rule: string, what: string): Fault => ({
  kind: 'policy',
  message: `the board's owner does not allow ${what}: rule ${rule}`,
  subject: rule,
});
