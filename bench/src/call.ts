/**
 * One call: a message of 100 bytes into a guest in C and a reply of 100 bytes out.
 *
 * With the hop, from the agent's main thread into a warm isolate and back; without, the same call inside
 * one thread. The peers of the first are what a hop costs with no guest at the other end: to a worker
 * thread, and to a process over pipes. The limit of both is the guest's core module, called by itself.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { AgentHost } from './agent.ts';
import { median, type Result } from './report.ts';

const ROUNDS = 9;
/** Once, before any is counted: a board's agent runs for months. */
const WARM_UP_ROUNDS = 6;
const PIPE_CALLS = 200;
const PAYLOAD = Buffer.alloc(100, 1);

const COMMANDS = ['isolate', 'component', 'core', 'bare-worker'] as const;

/** A process that sends back what it gets. */
function openProcess() {
  const child = spawn(process.execPath, ['-e', 'process.stdin.pipe(process.stdout)'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const roundTrip = async (): Promise<number> => {
    const started = performance.now();
    child.stdin.write(PAYLOAD);
    for (let got = 0; got < PAYLOAD.length;) {
      const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
      got += chunk.length;
    }
    return (performance.now() - started) * 1000;
  };
  const close = async (): Promise<void> => {
    const exited = once(child, 'exit');
    child.stdin.end();
    await exited;
  };
  const medianUs = async (): Promise<number> => {
    const durations: number[] = [];
    for (let count = 0; count < PIPE_CALLS; count += 1) durations.push(await roundTrip());
    return median(durations);
  };
  return { medianUs, close };
}

export async function call(): Promise<Result> {
  const host = new AgentHost('call');
  const pipes = openProcess();
  const samples: Record<(typeof COMMANDS)[number] | 'process', number[]> = {
    isolate: [],
    component: [],
    core: [],
    'bare-worker': [],
    process: [],
  };
  try {
    for (let turn = -WARM_UP_ROUNDS; turn < ROUNDS; turn += 1) {
      for (const command of COMMANDS) {
        const { us } = await host.ask({ do: command });
        if (turn >= 0) samples[command].push(us!);
      }
      const us = await pipes.medianUs();
      if (turn >= 0) samples.process.push(us);
    }
  } finally {
    await Promise.all([host.close(), pipes.close()]);
  }
  const lower = { unit: 'µs', limit: median(samples.core), better: 'lower' } as const;
  return {
    bench: 'call',
    workload: `100 bytes into a C guest and 100 bytes back, ${ROUNDS} interleaved rounds of 500 calls, median of their medians`,
    figures: [
      {
        name: 'call-isolate-p50',
        ...lower,
        ours: median(samples.isolate),
        peers: { 'bare-worker': median(samples['bare-worker']), process: median(samples.process) },
        goal: 30,
      },
      { name: 'call-component-p50', ...lower, ours: median(samples.component), goal: 10 },
    ],
    missing: {},
  };
}
