/**
 * Starting a guest: from its prepared form to the end of its first call.
 *
 * Ours is measured twice: with its modules compiled and its code loaded in the warm isolate (what a
 * restart or a second instance costs) and from the prepared folder (what the first start after a boot
 * costs). For the JavaScript guest both hold a start, a health check and a message. Peers do the same with a fresh worker
 * thread, and with a container that holds one static binary and no guest at all. The limit is one core
 * instance with a memory.
 */
import { AgentHost } from './agent.ts';
import { openContainer, type Container } from './container.ts';
import { median, type Figure, type Result } from './report.ts';

const ROUNDS = 9;
/** Warm starts in a round. An isolate that starts guests all day has their bindings optimised. */
const WARM_STARTS = 25;
/** Once, before any is counted. */
const WARM_UP_STARTS = 100;

type Samples = Record<'qjs' | 'qjsCold' | 'qjsFresh' | 'c' | 'cFresh' | 'core' | 'runc', number[]>;

/** Cold starts have a process of their own: what they compile would push out what the others keep warm. */
async function round(host: AgentHost, coldHost: AgentHost, samples: Samples): Promise<void> {
  const ms = async (command: object): Promise<number> => (await host.ask(command))['ms']!;
  for (let count = 0; count < WARM_STARTS; count += 1) {
    samples.qjs.push(await ms({ do: 'start', guest: 'qjs' }));
  }
  samples.qjsFresh.push(await ms({ do: 'start-fresh', guest: 'qjs' }));
  samples.qjsCold.push((await coldHost.ask({ do: 'start-cold', guest: 'qjs' }))['ms']!);
  for (let count = 0; count < WARM_STARTS; count += 1) {
    samples.c.push(await ms({ do: 'start', guest: 'c' }));
  }
  samples.cFresh.push(await ms({ do: 'start-fresh', guest: 'c' }));
  samples.core.push((await host.ask({ do: 'core-instance' }))['us']!);
}

function figures(samples: Samples): Figure[] {
  const of = (name: keyof Samples): number => median(samples[name]);
  const runc = samples.runc.length === 0 ? {} : { runc: of('runc') };
  const coreMs = of('core') / 1000;
  const lower = { unit: 'ms', limit: coreMs, better: 'lower' } as const;
  const list: Figure[] = [
    {
      name: 'start-p50-qjs',
      ...lower,
      ours: of('qjs'),
      peers: { 'fresh-worker': of('qjsFresh'), ...runc },
      goal: 3,
    },
    {
      name: 'start-cold-p50-qjs',
      ...lower,
      ours: of('qjsCold'),
      peers: { 'fresh-worker': of('qjsFresh'), ...runc },
      goal: 50,
    },
    {
      name: 'start-p50-c',
      ...lower,
      ours: of('c'),
      peers: { 'fresh-worker': of('cFresh'), ...runc },
      goal: 1,
    },
    {
      name: 'core-instance-p50',
      unit: 'µs',
      ours: of('core'),
      limit: of('core'),
      goal: 1000,
      better: 'lower',
    },
  ];
  if (samples.runc.length === 0) return list;
  const times = (ms: number): number => of('runc') / ms;
  return [
    ...list,
    {
      // Of the guest in C, as what runs in the container is C.
      name: 'times-faster-than-runc',
      unit: '×',
      ours: times(of('c')),
      peers: { runc: 1, 'fresh-worker': times(of('cFresh')), 'qjs guest': times(of('qjs')) },
      limit: times(coreMs),
      goal: 100,
      better: 'higher',
    },
  ];
}

function whatIsMissing(container: Container | string): Record<string, string> {
  if (typeof container === 'string') return { runc: container };
  if (container.program === 'busybox') return {};
  return { busybox: `the machine has no static one; the container runs ${container.program}` };
}

export async function start(): Promise<Result> {
  const none = (): Samples => ({ qjs: [], qjsCold: [], qjsFresh: [], c: [], cFresh: [], core: [], runc: [] });
  const samples = none();
  const container = await openContainer();
  const host = new AgentHost();
  const coldHost = new AgentHost();
  try {
    // The first round makes what is made once: prepared folders and compiled bindings.
    await round(host, coldHost, none());
    for (let count = WARM_STARTS; count < WARM_UP_STARTS; count += 1) {
      for (const guest of ['qjs', 'c']) await host.ask({ do: 'start', guest });
    }
    for (let turn = 0; turn < ROUNDS; turn += 1) {
      await round(host, coldHost, samples);
      if (typeof container !== 'string') samples.runc.push(await container.run());
    }
  } finally {
    await Promise.all([host.close(), coldHost.close()]);
    if (typeof container !== 'string') container.close();
  }
  return {
    bench: 'start',
    workload: `prepared component to the end of its first call, ${ROUNDS} interleaved rounds, median; ${WARM_STARTS} warm starts a round after ${WARM_UP_STARTS} that do not count; the container runs ${typeof container === 'string' ? 'nothing' : container.program}`,
    figures: figures(samples),
    missing: whatIsMissing(container),
  };
}
