/** Grants as lines for people: which capability, what of it, and how. */
import { boardNames, gpioLabel } from '@wafer/protocol/board-names';
import type { Grants } from '@wafer/protocol/grants';
import { httpPort } from '@wafer/protocol/http';
import { bytes } from '../format/quantity.ts';

/** `1/0x48` of `i2c 1/0x48`. */
const bare = (name: string): string => name.slice(name.indexOf(' ') + 1);

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
    ...(grants.gpio ?? []).map(({ direction, edges, activeLow, bias, ...of }) =>
      line(
        'gpio',
        of.label === undefined ? gpioLabel(of) : `${bare(boardNames.gpio(of))} as ${of.label}`,
        [
          direction,
          ...(activeLow === true ? ['active low'] : []),
          ...(bias === undefined ? [] : [bias === 'none' ? 'no bias' : bias]),
          ...(edges === undefined ? [] : [`${edges} edges as messages`]),
        ].join(', '),
      ),
    ),
    ...(grants.i2c ?? []).map((of) =>
      line('i²c', bare(boardNames.i2c(of)), of.access === 'read' ? 'read-only' : 'read and write'),
    ),
    ...(grants.serial ?? []).map(({ device, baud, parity }) =>
      line('serial', device, `${baud} baud${parity === 'none' ? '' : `, ${parity} parity`}`),
    ),
    ...(grants.sensors ?? []).map(({ kind, device }) =>
      line('sensor', device, kind === 'iio' ? 'IIO' : '1-Wire'),
    ),
    ...(grants.clock ? [line('clock', 'wall and monotonic time')] : []),
    ...(grants.random ? [line('random', 'random numbers')] : []),
    ...Object.entries(grants.environment ?? {}).map(([name, value]) =>
      line('environment', `${name}=${value}`),
    ),
    ...(grants.arguments?.length ? [line('arguments', grants.arguments.join(' '))] : []),
  ];
}
