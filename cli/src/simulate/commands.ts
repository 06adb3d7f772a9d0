/**
 * `wafer simulate`: many devices on this machine, for load tests and for trying a rollout before doing it.
 * What they are stands in device-agent/src/simulate/fleet.ts; here is the person's side: the claim token
 * that enrols them, and what is shown.
 */
import { join } from 'node:path';
import { WaferError } from '@wafer/protocol';
import type { SimulateEvent, Simulation } from '@wafer/protocol/simulate';
import type { Command } from 'commander';
import { LOOPBACK, readCredentials, type Credentials } from '../account/credentials.ts';
import { createApi, type Api } from '../api/client.ts';
import type { Context } from '../context.ts';
import { parseName } from '../fleet/names.ts';
import { interruption } from '../interruption.ts';
import { endLine, shower } from './show.ts';
import { simulationOf, type SimulateOptions } from './simulation.ts';
import { Simulator } from './simulator.ts';

const HOUR_SECONDS = 3600;

const collect = (value: string, earlier: readonly string[]): string[] => [...earlier, value];

export function addSimulateCommand(program: Command, context: Context): void {
  const folder = join(context.env['WAFER_DATA'] || 'data', 'simulated');
  program
    .command('simulate')
    .description('many devices on this machine, to load a server or to try a rollout before doing it')
    .requiredOption('--devices <count>', 'how many')
    .option('--seed <text>', 'which device does what follows from it', 'wafer')
    .option('--channel <name>', 'channel of the devices', 'stable')
    .option(
      '--behaviours <shares>',
      'such as fail=2%,trap=1%,silent=1%,slow=5%,flapping=2%; the rest are sound',
    )
    .option('--architectures <shares>', 'as Node names them', 'x64=50%,arm64=30%,riscv64=20%')
    .option(
      '--bad <version>',
      'fail, trap and silent are about this version; may be repeated (default: every release that replaces another)',
      collect,
      [],
    )
    .option('--slow <duration>', 'what each stage of a slow device takes, about', '5s')
    .option('--health <duration>', 'how often each device says how it is', '30s')
    .option('--data <folder>', 'where the fleet is kept; a second run on it is the same fleet', folder)
    .option('--yes-really', 'also against a server that is not on this machine')
    .option('--json', 'print one JSON value a line for each event')
    .action(async (options: SimulateOptions) => {
      const simulation = simulationOf(options, context.cwd);
      const channel = parseName('channel', options.channel);
      const credentials = await readCredentials(context);
      refuseAway(credentials, simulation);
      const tell = options.json === true ? jsonTo(context) : shower(context);
      try {
        await simulate({
          simulation,
          channel,
          tell,
          api: createApi(credentials, context.sleep),
          interrupted: interruption(),
        });
      } finally {
        endLine(context);
      }
    });
}

const jsonTo =
  ({ stdout }: Context) =>
  (event: SimulateEvent): void =>
    void stdout.write(`${JSON.stringify(event)}\n`);

function refuseAway({ api }: Credentials, { mayLeaveThisMachine }: Simulation): void {
  if (mayLeaveThisMachine || LOOPBACK.has(new URL(api).hostname)) return;
  throw new WaferError(
    'cli.usage',
    `${api} is not on this machine. Simulated devices are enrolled like any other: they stand in its lists, count in its rollouts and fill its database. If that is what you want, say --yes-really`,
  );
}

interface Simulate {
  readonly simulation: Simulation;
  readonly channel: string;
  readonly tell: (event: SimulateEvent) => void;
  readonly api: Pick<Api, 'createClaim'>;
  /** Aborted when the person wants to stop. */
  readonly interrupted: AbortSignal;
}

/** Resolves when the person has had enough; rejects when the fleet cannot be had. */
async function simulate({ simulation, channel, tell, api, interrupted }: Simulate): Promise<void> {
  const refused = Promise.withResolvers<never>();
  const enrol = async (devices: number): Promise<void> => {
    const claim = {
      name: 'simulated devices',
      uses: devices,
      expiresInSeconds: HOUR_SECONDS,
      channels: [channel],
    };
    const { token, server } = await api.createClaim({ ...claim, tags: { simulated: 'yes' } });
    simulator.order({ order: 'enrol', token, server });
  };
  const simulator = new Simulator((event) => {
    tell(event);
    if (event.event === 'fleet' && event.needs > 0) enrol(event.needs).catch(refused.reject);
  });
  const enough = new Promise<void>((resolve) => {
    interrupted.addEventListener('abort', () => resolve());
    if (interrupted.aborted) resolve();
  });
  try {
    simulator.order({ order: 'begin', simulation });
    await Promise.race([enough, simulator.ended, refused.promise]);
  } finally {
    await simulator.stop();
  }
}
