/**
 * Replacing a running release under load: calls lost, the time in which nobody took calls, and how long
 * until the new release serves.
 *
 * The releases are JavaScript guests, once without state and once with some, which is moved twice
 * (before the probe, and at the switch for what changed since). The peers do what one does without a swap: end the old, start the
 * new, in a fresh worker thread, in a fresh process or as a container, with no state to move; their gap is their start.
 */
import { AgentHost } from './agent.ts';
import { openContainer } from './container.ts';
import { median, quantile, type Figure, type Result } from './report.ts';

const ROUNDS = 15;
const CALLS_PER_SECOND = 1000;

interface Samples {
  readonly gap: number[];
  readonly statefulGap: number[];
  readonly serving: number[];
  readonly freshGap: number[];
  readonly processGap: number[];
  readonly container: number[];
  readonly core: number[];
  calls: number;
  lost: number;
}

async function round(host: AgentHost, samples: Samples): Promise<void> {
  for (const isStateful of [false, true]) {
    const swapped = await host.ask({ do: 'swap', callsPerSecond: CALLS_PER_SECOND, isStateful });
    (isStateful ? samples.statefulGap : samples.gap).push(swapped['gapMs']!);
    samples.serving.push(swapped['startToServingMs']!);
    samples.calls += swapped['calls']!;
    samples.lost += swapped['lostCalls']!;
  }
  samples.freshGap.push((await host.ask({ do: 'swap-fresh' }))['gapMs']!);
  samples.processGap.push((await host.ask({ do: 'swap-process' }))['gapMs']!);
  samples.core.push((await host.ask({ do: 'core-instance' }))['us']! / 1000);
}

/** Calls that come in during a gap have nobody to go to. */
const lostIn = (gapMs: number): number => Math.round((gapMs * CALLS_PER_SECOND) / 1000);

function figures(samples: Samples): Figure[] {
  const { gap, statefulGap, serving, freshGap, processGap, container, core } = samples;
  const peers = (value: (list: readonly number[]) => number): Record<string, number> => ({
    'fresh-worker': value(freshGap),
    process: value(processGap),
    ...(container.length === 0 ? {} : { runc: value(container) }),
  });
  const p99 = (list: readonly number[]): number => quantile(list, 0.99);
  const lost = (list: readonly number[]): number => lostIn(median(list));
  return [
    {
      name: 'lost-calls',
      unit: 'calls',
      ours: samples.lost,
      peers: peers(lost),
      limit: 0,
      goal: 0,
      better: 'lower',
    },
    {
      name: 'gap-p99',
      unit: 'ms',
      ours: p99(gap),
      peers: peers(p99),
      limit: median(core),
      goal: 0.2,
      better: 'lower',
    },
    {
      name: 'gap-p50-stateful',
      unit: 'ms',
      ours: median(statefulGap),
      peers: peers(median),
      limit: median(core),
      goal: 5,
      better: 'lower',
    },
    {
      name: 'start-to-serving-p50',
      unit: 'ms',
      ours: median(serving),
      peers: peers(median),
      limit: median(core),
      goal: 50,
      better: 'lower',
    },
  ];
}

export async function swap(): Promise<Result> {
  const empty = (): Samples => ({
    gap: [],
    statefulGap: [],
    serving: [],
    freshGap: [],
    processGap: [],
    container: [],
    core: [],
    calls: 0,
    lost: 0,
  });
  const samples = empty();
  const container = await openContainer();
  const host = new AgentHost();
  try {
    // The first round makes what is made once.
    await round(host, empty());
    for (let turn = 0; turn < ROUNDS; turn += 1) {
      await round(host, samples);
      if (typeof container !== 'string') samples.container.push(await container.run());
    }
  } finally {
    await host.close();
    if (typeof container !== 'string') container.close();
  }
  const { calls } = samples;
  return {
    bench: 'swap',
    workload: `${ROUNDS} interleaved rounds of swaps of a JavaScript guest, without and with state, at ${CALLS_PER_SECOND} calls/s, ${calls} calls`,
    figures: figures(samples),
    missing: typeof container === 'string' ? { runc: container } : {},
  };
}
