/** Reports as data: what people read about one, and which of them fit into one statement. Pure. */
import { Days, Minutes, type DeviceId, type Fault, type Report, type ReportEvent } from '@wafer/protocol';

const because = (fault: Fault | undefined): string =>
  fault === undefined ? '' : `: ${fault.kind} — ${fault.message}`;

type ExecutionEvent = Extract<ReportEvent, { kind: 'execution' }>;

function describeExecution(event: ExecutionEvent): string {
  const release = `${event.app} ${event.version}`;
  const reason = because(event.fault);
  switch (event.state) {
    case 'QUEUED':
      return `${release} waits`;
    case 'IN_PROGRESS':
      return `${release} is ${event.stage ?? 'under way'}${reason}`;
    case 'SUCCEEDED':
      return `${release} runs`;
    case 'ALREADY_INSTALLED':
      return `${release} ran already`;
    case 'FAILED':
      return `${release} failed${reason}`;
    case 'REJECTED':
      return `${release} was refused${reason}`;
    case 'TIMED_OUT':
      return `${release} took too long${reason}`;
    case 'ROLLED_BACK':
      return `${release} rolled back${event.runningVersion === undefined ? '' : ` to ${event.runningVersion}`}${reason}`;
    case 'CANCELED':
      return `${release} was canceled${reason}`;
    case 'REMOVED':
      return `${release} was removed`;
  }
}

/** One line of the timeline. */
export function describeEvent(event: ReportEvent): string {
  switch (event.kind) {
    case 'execution':
      return describeExecution(event);
    case 'fault': {
      const what = event.app === undefined ? 'agent' : [event.app, event.version].filter(Boolean).join(' ');
      const times = event.count === 1 ? '' : ` (${event.count} times)`;
      return `${what}${because(event.fault)}${times}`;
    }
    case 'apps': {
      const apps = event.apps.map(({ app, version, state }) => `${app} ${version} (${state})`);
      return apps.length === 0 ? 'has no apps' : `has ${apps.join(', ')}`;
    }
  }
}

/** A board without a clock may claim any year; what is not near is replaced by `now`, ms since 1970. */
export function plausibleInstant(claimed: string, now: number): string {
  const at = Date.parse(claimed);
  const isPlausible = at <= now + Minutes(1) && at >= now - Days(366);
  return new Date(isPlausible ? at : now).toISOString();
}

export interface Pending {
  readonly device: DeviceId;
  readonly report: Report;
}

/**
 * The first reports that fit into one statement, and the others, both in order for each device. One that came
 * twice, because its acknowledgement was lost, waits for the next.
 */
export function takeBatch<T extends Pending>(queue: readonly T[], limit: number): { batch: T[]; rest: T[] } {
  const taken = new Set<string>();
  const blocked = new Set<DeviceId>();
  const batch: T[] = [];
  const rest: T[] = [];
  for (const [index, item] of queue.entries()) {
    if (batch.length === limit) return { batch, rest: [...rest, ...queue.slice(index)] };
    const key = `${item.device}/${item.report.number}`;
    if (blocked.has(item.device) || taken.has(key)) {
      blocked.add(item.device);
      rest.push(item);
    } else {
      taken.add(key);
      batch.push(item);
    }
  }
  return { batch, rest };
}
