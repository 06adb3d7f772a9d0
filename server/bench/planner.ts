/**
 * Planning a whole rollout on one core, as a process of its own: who is in which wave, and then every look
 * until the last device has ended, with each device succeeding by the next look.
 *
 *   node planner.ts '{"kind":"ours","devices":1000000}'  → {"seconds":…,"megabytes":…,"looks":…,"started":…}
 *
 * `objects` is the same done by an object a device, every one of which is visited at each look, as
 * reconcilers do that compare all that is with all that should be. `sort` only sorts as many numbers.
 */
import { Gate, Wave, type WaveOf, type WaveProgress } from '@wafer/protocol';
import { z } from 'zod';
import { afterDecision, type Course } from '../src/rollouts/plan/advance.ts';
import type { Tally } from '../src/rollouts/plan/gate.ts';
import { placeOf } from '../src/rollouts/plan/place.ts';
import { plan } from '../src/rollouts/plan/plan.ts';
import { assignWaves, type DeviceColumns } from '../src/rollouts/plan/waves.ts';

const Task = z.strictObject({
  kind: z.enum(['ours', 'objects', 'sort']),
  devices: z.number().int().min(1),
});

interface Done {
  readonly looks: number;
  readonly started: number;
}

const IN_FLIGHT = 10_000;
const ARCHITECTURES = ['x64', 'arm64', 'riscv64'] as const;
const RULES: readonly WaveOf[] = [
  { of: 'architecture', each: 5 },
  { of: 'percent', percent: 1 },
  { of: 'percent', percent: 10 },
  { of: 'percent', percent: 100 },
];
const NOW = Date.UTC(2026, 10, 21);

const fleetOf = (devices: number): DeviceColumns => {
  const none: Readonly<Record<string, string>> = {};
  return {
    ids: Array.from({ length: devices }, (_, index) => `d-${String(index).padStart(16, '0')}`),
    architectures: Array.from({ length: devices }, (_, index) => ARCHITECTURES[index % 3]!),
    groups: new Map(),
    tags: Array.from({ length: devices }, () => none),
  };
};

const waves = RULES.map((devices) => Wave.parse({ devices, gate: Gate.parse({}) }));
const spec = { waves, inFlight: IN_FLIGHT, windows: [], blackouts: [] };

function ours(columns: DeviceColumns): Done {
  const { sizes } = assignWaves(waves, columns, '');
  const tallies = Array.from(sizes, (devices): Tally => {
    const nothing = {
      started: 0,
      succeeded: 0,
      failed: 0,
      withdrawn: 0,
      unhealthy: 0,
      causes: {},
      zones: {},
    };
    return { devices, waiting: devices, ...nothing };
  });
  const progress = { state: 'WAITING', since: null, reason: null, forgiven: {} } satisfies WaveProgress;
  let course: Course = { state: 'SCHEDULED', reason: null, waves: waves.map(() => progress) };
  let [looks, started] = [0, 0];
  while (course.state !== 'COMPLETED') {
    looks += 1;
    const [decision] = plan({ ...course, spec }, { tallies, overtaken: false, returning: 0 }, NOW);
    if (decision !== undefined) course = afterDecision(course, decision, NOW);
    for (const [wave, tally] of tallies.entries()) {
      const begun = decision?.kind === 'start' && decision.wave === wave ? decision.count : 0;
      started += begun;
      const succeeded = tally.succeeded + tally.started;
      tallies[wave] = { ...tally, waiting: tally.waiting - begun, started: begun, succeeded };
    }
  }
  return { looks, started };
}

interface Member {
  readonly id: string;
  readonly architecture: string;
  readonly place: number;
  wave: number;
  state: 'QUEUED' | 'IN_PROGRESS' | 'SUCCEEDED';
}

function assignObjects(members: Member[]): void {
  members.sort((a, b) => a.place - b.place);
  const seen = new Map<string, number>();
  for (const member of members) {
    const count = seen.get(member.architecture) ?? 0;
    seen.set(member.architecture, count + 1);
    if (count < 5) member.wave = 0;
  }
  for (const [wave, rule] of RULES.entries()) {
    if (rule.of !== 'percent') continue;
    const share = Math.ceil((members.length * rule.percent) / 100);
    const taken = members.filter((member) => member.wave !== -1).length;
    for (const member of members.filter((each) => each.wave === -1).slice(0, share - taken))
      member.wave = wave;
  }
}

function objects({ ids, architectures }: DeviceColumns): Done {
  const members = ids.map((id, index): Member => {
    const architecture = architectures[index]!;
    return { id, architecture, place: placeOf(id, ''), wave: -1, state: 'QUEUED' };
  });
  assignObjects(members);
  let [looks, started, wave] = [0, 0, 0];
  while (wave < RULES.length) {
    looks += 1;
    const ended = members.filter(({ state }) => state === 'IN_PROGRESS');
    for (const member of ended) member.state = 'SUCCEEDED';
    const waiting = members.filter((member) => member.wave === wave && member.state === 'QUEUED');
    const decisions = waiting.slice(0, IN_FLIGHT).map((member) => ({ kind: 'start' as const, member }));
    for (const { member } of decisions) member.state = 'IN_PROGRESS';
    started += decisions.length;
    if (waiting.length === 0) wave += 1;
  }
  return { looks, started };
}

function sort({ ids }: DeviceColumns): Done {
  const numbers = new Float64Array(ids.length);
  for (let index = 0; index < ids.length; index += 1) numbers[index] = (index * 2_654_435_761) % 2 ** 32;
  numbers.sort();
  return { looks: 0, started: ids.length };
}

const KINDS = { ours, objects, sort };

const { kind, devices } = Task.parse(JSON.parse(process.argv[2] ?? '{}'));
const columns = fleetOf(devices);
globalThis.gc?.();
const before = process.memoryUsage().rss;
// Of the processor: what else runs on the machine does not count.
const since = process.cpuUsage();
const done = KINDS[kind](columns);
const { user, system } = process.cpuUsage(since);
const seconds = (user + system) / 1e6;
// In KB, of the whole life of the process.
const peak = process.resourceUsage().maxRSS * 1024;
const megabytes = Math.max(0, peak - before) / 2 ** 20;
process.stdout.write(`${JSON.stringify({ seconds, megabytes, ...done })}\n`);
