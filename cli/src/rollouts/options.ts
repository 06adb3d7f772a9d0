/** The options of `wafer rollout create` and `preview`. */
import type { Command } from 'commander';
import { collect } from '../typed.ts';
import { WINDOW_FORMS } from './hours.ts';

export interface SpecOptions {
  readonly name?: string;
  readonly waves?: string;
  readonly success?: string;
  readonly errors?: string;
  readonly fault: readonly string[];
  readonly minDevices?: string;
  readonly soak?: string;
  readonly unhealthy?: string;
  readonly compare?: string;
  readonly approval?: boolean;
  readonly onTrip?: string;
  readonly inFlight?: string;
  readonly timeout: readonly string[];
  readonly group?: string;
  readonly devicesNamed?: string;
  readonly tag: readonly string[];
  readonly skip?: string;
  readonly window: readonly string[];
  readonly blackout: readonly string[];
  readonly startAt?: string;
  readonly deadline?: string;
  readonly seed?: string;
  readonly fingerprint?: string;
  readonly file?: string;
}

/** Who is in it, and who is left out. */
const withMembers = (command: Command): Command =>
  command
    .option('--waves <list>', 'such as 5/arch,1%,10%,100%; default: rest, which is everyone at once')
    .option('--group <name>', 'only devices of this group; the channel stays where it is')
    .option('--devices-named <ids>', 'only these devices, with commas; the channel stays where it is')
    .option(
      '--tag <name=value>',
      'only devices with this tag; may be repeated; the channel stays where it is',
      collect,
      [],
    )
    .option('--skip <verdicts>', 'leave out devices with these verdicts, such as silent,refused')
    .option('--seed <text>', 'another seed gives every device another place in the waves');

/** What stops it; the same for each wave. */
const withGate = (command: Command): Command =>
  command
    .option('--success <percent>', 'of each wave that must succeed (default 90)')
    .option('--errors <amount>', 'failures in a wave that stop it: 5, or more than a share, 5%')
    .option(
      '--fault <kind=amount>',
      'a rule for one kind of fault, such as link=5% or trap=3; may be repeated. signature=1 always holds unless you name it',
      collect,
      [],
    )
    .option('--min-devices <count>', 'devices that must have ended before a share says anything')
    .option('--soak <minutes>', 'how long each wave is watched before the next')
    .option('--unhealthy <percent>', 'of those that succeeded that may fail later (default 5)')
    .option(
      '--compare <rules>',
      'updated devices may be so much worse in the soak: memory=50,latency=100 (percent), faults=2 (points), devices=5 (at least)',
    )
    .option('--approval', 'a person lets each next wave begin')
    .option('--on-trip <what>', 'when a gate trips: pause, abort or rollback');

/** When, and how fast. */
const withPace = (command: Command): Command =>
  command
    .option('--in-flight <count>', 'devices under way at one time (default 100)')
    .option(
      '--timeout <stage=minutes>',
      'silence that ends a device’s part, such as downloading=60; may be repeated',
      collect,
      [],
    )
    .option(
      '--window <hours>',
      `start devices only then, by each device's clock: ${WINDOW_FORMS}; may be repeated`,
      collect,
      [],
    )
    .option('--blackout <days>', 'start none on 2026-12-24..2026-12-26; may be repeated', collect, [])
    .option('--start-at <instant>', 'not before: 2026-12-24T02:00Z or +3h')
    .option('--deadline <instant>', 'start none after it, and end: 2026-12-31T00:00Z or +7d');

export const withSpec = (command: Command): Command =>
  withPace(withGate(withMembers(command)))
    .option('--name <text>', 'what people call it; default: its releases')
    .option('--fingerprint <text>', 'of a preview: refused if anything is different now')
    .option('--file <file>', 'everything else, and gates for each wave, in YAML by the names of the API');
