/** A gate in words: what it asks of a wave, and what happens when it trips. */
import type { Comparison, FaultRule, Gate } from '@wafer/protocol/rollouts';
import { counted } from '../format/quantity.ts';
import { span } from '../format/time.ts';

const ON_TRIP = {
  pause: 'pauses the rollout',
  abort: 'aborts the rollout',
  rollback: 'aborts it and rolls back',
} as const satisfies Record<Gate['onTrip'], string>;

export const minutesInWords = (minutes: number): string => span(Math.round(minutes * 60));

function rule({ kind, count, percent }: FaultRule): string {
  const parts = [
    ...(count === undefined ? [] : [counted(count, 'device')]),
    ...(percent === undefined ? [] : [`more than ${percent} %`]),
  ];
  return `${parts.join(' or ')} with the fault ${kind} ${count === 1 && percent === undefined ? 'trips' : 'trip'} it`;
}

function comparison({ faultPoints, latencyPercent, memoryPercent, minDevices }: Comparison): string {
  const parts = [
    ...(faultPoints === undefined ? [] : [`faults at most ${faultPoints} points more`]),
    ...(latencyPercent === undefined ? [] : [`latency at most ${latencyPercent} % more`]),
    ...(memoryPercent === undefined ? [] : [`memory at most ${memoryPercent} % more`]),
  ];
  return `beside devices not yet updated: ${parts.join(', ') || 'nothing is asked'} (from ${counted(minDevices, 'device')} on each side)`;
}

/** Each demand as a line; the last one says what happens when one is not met. */
export function gateLines(gate: Gate): string[] {
  const { successPercent, errorPercent, errorCount, minDevices, soakMinutes, unhealthyPercent } = gate;
  return [
    ...(successPercent > 0 ? [`${successPercent} % of the wave must succeed`] : []),
    ...(errorPercent === undefined ? [] : [`at most ${errorPercent} % of those that ended may fail`]),
    ...(errorCount === undefined
      ? []
      : [`${counted(errorCount, 'failure')} ${errorCount === 1 ? 'trips' : 'trip'} it`]),
    ...gate.faults.map(rule),
    ...(minDevices > 1 ? [`shares are judged once ${minDevices} have ended`] : []),
    ...(soakMinutes > 0
      ? [`watched for ${minutesInWords(soakMinutes)}; at most ${unhealthyPercent} % may fail meanwhile`]
      : []),
    ...(gate.compare === undefined ? [] : [comparison(gate.compare)]),
    ...(gate.approval ? ['a person lets the next wave begin'] : []),
    `a trip ${ON_TRIP[gate.onTrip]}`,
  ];
}
