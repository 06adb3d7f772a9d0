/**
 * What `wafer dev` and the local agent that it starts say to each other: JSON, one value a line, orders
 * on the agent's standard input, events on its standard output. No server, broker or board takes part;
 * whoever may write to that pipe started the agent, and could run the guest's source as well.
 *
 * With `--json`, `wafer dev` prints the events as they come, between events of its own.
 */
import { z } from 'zod';
import { HealthRule, Isolation, Triggers } from './desired.ts';
import { Fault } from './faults.ts';
import { Grants, Limits, SecretName } from './grants.ts';
import { AppName, Version } from './ids.ts';
import { LogLevel, SwapFigures } from './messages.ts';
import { World } from './release.ts';

/** Everything that a release's target and a desired state say about an app, as far as it runs by it. */
export const DevSpec = z.strictObject({
  app: AppName,
  version: Version,
  world: World,
  exports: z.array(z.string().max(200)).max(200),
  grants: Grants,
  config: z.record(z.string().max(100), z.string().max(4000)),
  /** In clear: they come from a file of the person's, and go nowhere. */
  secrets: z.record(SecretName, z.string().max(8000)).default({}),
  limits: Limits,
  isolation: Isolation,
  triggers: Triggers,
  health: HealthRule,
});
export type DevSpec = z.infer<typeof DevSpec>;

/** Chosen by whoever orders, told again with what came of it. */
const OrderId = z.number().int().min(1);

export const DevOrder = z.discriminatedUnion('order', [
  /** Runs the component in the file (absolute path) in place of the one that runs, with its state. */
  z.strictObject({ order: z.literal('load'), id: OrderId, component: z.string(), spec: DevSpec }),
  /** Calls the guest's handler. */
  z.strictObject({ order: z.literal('message'), id: OrderId, topic: z.string(), payload: z.string() }),
  /** Stops what runs and starts it again, without the state that it had. */
  z.strictObject({ order: z.literal('restart'), id: OrderId }),
  /** Ends the agent; so does the end of its input. */
  z.strictObject({ order: z.literal('stop') }),
]);
export type DevOrder = z.infer<typeof DevOrder>;

export const DevEvent = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('ready') }),
  z.strictObject({ event: z.literal('swapped'), id: OrderId, figures: SwapFigures }),
  /** A load or a restart came to nothing. `serving`: something runs, as it did before. */
  z.strictObject({ event: z.literal('failed'), id: OrderId, fault: Fault, serving: z.boolean() }),
  /** The handler has returned. */
  z.strictObject({ event: z.literal('delivered'), id: OrderId }),
  /** The guest did not take a message. */
  z.strictObject({ event: z.literal('undelivered'), id: OrderId, fault: Fault }),
  z.strictObject({ event: z.literal('fault'), fault: Fault }),
  z.strictObject({ event: z.literal('log'), level: LogLevel, text: z.string() }),
  /** Log lines that the budget did not let through. */
  z.strictObject({ event: z.literal('dropped'), lines: z.number().int().min(1) }),
  /** `text` where the payload is UTF-8, else `base64`. */
  z.strictObject({
    event: z.literal('publish'),
    topic: z.string(),
    text: z.string().optional(),
    base64: z.string().optional(),
  }),
]);
export type DevEvent = z.infer<typeof DevEvent>;
