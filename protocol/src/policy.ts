/**
 * The owner's upper bound (`policy` in the board's agent.yaml) against one order. The device judges by it,
 * and says it in its hello, so that a dry run knows beforehand what the device would refuse.
 */
import { z } from 'zod';
import type { DesiredApp } from './desired.ts';
import type { Fault } from './faults.ts';
import { firstBeyond, Grants, Limits } from './grants.ts';
import { AppName, ChannelName } from './ids.ts';

/** What is absent is not capped. What `grants` lists is all that any app may get. */
export const Policy = z.strictObject({
  grants: Grants.optional(),
  limits: z.partialRecord(Limits.keyof(), z.number().int().min(0)).optional(),
  apps: z.array(AppName).optional(),
  channels: z.array(ChannelName).optional(),
});
export type Policy = z.infer<typeof Policy>;

/** `environment` and `arguments` are data rather than power: capped only when they are named. */
function grantsBound({ grants }: Policy, wanted: Grants): Grants | undefined {
  if (grants === undefined) return undefined;
  return {
    ...grants,
    environment: grants.environment ?? wanted.environment,
    arguments: grants.arguments ?? wanted.arguments,
  };
}

type Bounded = Pick<DesiredApp, 'app' | 'channel' | 'grants' | 'limits'>;

/**
 * The first rule that the order breaks, as a `policy` fault; undefined when it keeps to all of them. A rule
 * has the name that it has in agent.yaml, such as `policy.limits.memoryMiB`, so the owner finds it there.
 */
export function beyondPolicy({ app, channel, grants, limits }: Bounded, policy: Policy): Fault | undefined {
  if (policy.apps !== undefined && !policy.apps.includes(app)) return refusal('policy.apps', `app ${app}`);
  if (policy.channels !== undefined && !policy.channels.includes(channel)) {
    return refusal('policy.channels', `channel ${channel}`);
  }
  const bound = grantsBound(policy, grants);
  const grant = bound === undefined ? undefined : firstBeyond(grants, bound);
  // `messaging.publish telemetry/#` breaks the rule for `messaging.publish`.
  if (grant !== undefined) return refusal(`policy.grants.${grant.split(' ')[0]}`, grant);
  for (const name of Limits.keyof().options) {
    const [wanted, cap] = [limits[name], policy.limits?.[name]];
    if (cap !== undefined && wanted > cap)
      return refusal(`policy.limits.${name}`, `${name} ${wanted} (at most ${cap})`);
  }
  return undefined;
}

const refusal = (rule: string, what: string): Fault => ({
  kind: 'policy',
  message: `the board's owner does not allow ${what}: rule ${rule}`,
  subject: rule,
});
