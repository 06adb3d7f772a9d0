/**
 * Admission: may a component with these imports run under these grants? The CLI asks before it
 * publishes, the server before it accepts, the agent before it downloads; all three ask here.
 *
 * An interface is *ambient* when it can do nothing by itself (streams, an empty environment, a
 * preopen list that is empty until something is granted); it is *granted* when a capability must
 * stand behind it; everything else is *unknown* and refuses the component.
 */
import type { Grants } from './grants.ts';

/** A grant without which some import refuses the component; its name is its key in `Grants`. */
export type Capability =
  'clock' | 'random' | 'http' | 'messaging' | 'keyvalue' | 'secrets' | 'gpio' | 'i2c' | 'serial' | 'sensors';
type Provision = 'ambient' | Capability;

/** Import names without their version: every 0.2.x of WASI is served alike. */
const PROVIDED: Readonly<Record<string, Provision>> = {
  'wasi:io/error': 'ambient',
  'wasi:io/poll': 'ambient',
  'wasi:io/streams': 'ambient',
  'wasi:cli/environment': 'ambient',
  'wasi:cli/exit': 'ambient',
  'wasi:cli/stdin': 'ambient',
  'wasi:cli/stdout': 'ambient',
  'wasi:cli/stderr': 'ambient',
  'wasi:cli/terminal-input': 'ambient',
  'wasi:cli/terminal-output': 'ambient',
  'wasi:cli/terminal-stdin': 'ambient',
  'wasi:cli/terminal-stdout': 'ambient',
  'wasi:cli/terminal-stderr': 'ambient',
  'wasi:filesystem/types': 'ambient',
  'wasi:filesystem/preopens': 'ambient',
  'wasi:logging/logging': 'ambient',
  'wasi:config/store': 'ambient',
  'wasi:clocks/monotonic-clock': 'clock',
  'wasi:clocks/wall-clock': 'clock',
  'wasi:random/random': 'random',
  'wasi:random/insecure': 'random',
  'wasi:random/insecure-seed': 'random',
  'wasi:messaging/types': 'ambient',
  'wasi:messaging/producer': 'messaging',
  'wasi:keyvalue/store': 'keyvalue',
  'wasi:http/types': 'http',
  'wasi:http/outgoing-handler': 'http',
  'wafer:app/secrets': 'secrets',
  'wasi:gpio/general': 'gpio',
  'wasi:gpio/poll': 'gpio',
  'wasi:gpio/digital': 'gpio',
  'wasi:i2c/i2c': 'i2c',
  'wafer:board/i2c-buses': 'i2c',
  'wafer:board/serial': 'serial',
  'wafer:board/sensors': 'sensors',
};

/** Drafts that differ by version, so that one of them only can be answered: by package. */
const SERVED_EXACTLY: Readonly<Record<string, string>> = {
  'wasi:keyvalue': '0.2.0-draft2',
  'wasi:gpio': '0.2.0',
  'wasi:i2c': '0.2.0-draft',
};

/** Versions that are served of others: WASI 0.2.x, and the drafts by their exact name. */
const SERVED_VERSIONS = /@(0\.2\.\d+|0\.[12]\.0-(draft|rc\.1))$|^[^@]+$/;

/** Interfaces of Wafer's own. */
const SERVED_WAFER = /^wafer:(app|board)\/[a-z0-9-]+@0\.1\.\d+$/;

function isServed(spelled: string): boolean {
  const [name = ''] = spelled.split('/');
  const exactly = Object.hasOwn(SERVED_EXACTLY, name) ? SERVED_EXACTLY[name] : undefined;
  if (exactly !== undefined) return spelled.endsWith(`@${exactly}`);
  return (spelled.startsWith('wafer:') ? SERVED_WAFER : SERVED_VERSIONS).test(spelled);
}

export interface Refusal {
  /** The import as the component spells it, with its version. */
  readonly import: string;
  /** The grant that would admit it, or undefined when no grant can. */
  readonly grant?: Capability;
}

/** `wasi:io/streams@0.2.6` → `wasi:io/streams`. */
export const interfaceName = (spelled: string): string => spelled.replace(/@.*$/, '');

function provision(spelled: string): Provision | undefined {
  return isServed(spelled) && Object.hasOwn(PROVIDED, interfaceName(spelled))
    ? PROVIDED[interfaceName(spelled)]
    : undefined;
}

function isGranted(capability: Capability, grants: Grants): boolean {
  switch (capability) {
    case 'clock':
    case 'random':
      return grants[capability] === true;
    case 'messaging':
      return grants.messaging !== undefined;
    case 'http':
    case 'keyvalue':
    case 'secrets':
    case 'gpio':
    case 'i2c':
    case 'serial':
    case 'sensors':
      return (grants[capability] ?? []).length > 0;
  }
}

/** Every import that these grants do not admit; empty when the component may run. */
export function refusals(imports: readonly string[], grants: Grants): Refusal[] {
  return imports.flatMap((spelled): Refusal[] => {
    const found = provision(spelled);
    if (found === undefined) return [{ import: spelled }];
    if (found === 'ambient' || isGranted(found, grants)) return [];
    return [{ import: spelled, grant: found }];
  });
}

/** For people: the import that was refused, and what would admit it. */
export const describeRefusal = ({ import: name, grant }: Refusal): string =>
  grant === undefined
    ? `it imports ${name}, which no grant gives`
    : `it imports ${name}, which needs the grant "${grant}"`;

/** One sentence for all of them. */
export const describeRefusals = (list: readonly Refusal[]): string => list.map(describeRefusal).join('; ');
