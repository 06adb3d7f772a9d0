/** Grants as lines for people: which capability, what of it, and how. */
import type { Grants } from '@wafer/protocol/grants';
import { httpPort } from '@wafer/protocol/http';
import { bytes } from '../format/quantity.ts';

export interface GrantLine {
  readonly capability: string;
  /** What it is about: a path, a topic, a variable; empty where the capability says it all. */
  readonly subject: string;
  /** How: `read-only`, `publish`, … */
  readonly how: string;
}

/** Every grant as one line, in the order of the schema; empty when nothing is granted. */
export function grantLines(grants: Grants): GrantLine[] {
  const line = (capability: string, subject = '', how = ''): GrantLine => ({ capability, subject, how });
  return [
    ...(grants.filesystem ?? []).map(({ host, guest, access }) =>
      line(
        'filesystem',
        host === guest ? host : `${host} as ${guest}`,
        access === 'read' ? 'read-only' : 'read and write',
      ),
    ),
    ...(grants.http ?? []).map(({ addresses = [], methods, ...target }) =>
      line(
        'http',
        `${target.scheme}://${target.host}:${httpPort(target)}`,
        [methods.join(', '), ...(addresses.length === 0 ? [] : [`at ${addresses.join(', ')}`])].join(' '),
      ),
    ),
    ...(grants.messaging?.publish ?? []).map((filter) => line('messaging', filter, 'publish')),
    ...(grants.messaging?.subscribe ?? []).map((filter) => line('messaging', filter, 'subscribe')),
    ...(grants.keyvalue ?? []).map(({ store, maxBytes }) =>
      line('key-value store', store, `up to ${bytes(maxBytes)}`),
    ),
    ...(grants.secrets ?? []).map((name) => line('secret', name)),
    ...(grants.clock ? [line('clock', 'wall and monotonic time')] : []),
    ...(grants.random ? [line('random', 'random numbers')] : []),
    ...Object.entries(grants.environment ?? {}).map(([name, value]) =>
      line('environment', `${name}=${value}`),
    ),
    ...(grants.arguments?.length ? [line('arguments', grants.arguments.join(' '))] : []),
  ];
}
