/** Which lines of wafer.yaml would have let a guest do what it was denied, for people. */
import { type Fault, refusals } from '@wafer/protocol';
import { LEAST } from '../inspect/starter.ts';

/** Such as `grants: { messaging: { publish: ['alarms/x'] } }`; undefined when nothing there would help. */
export function advice({ kind, subject = '' }: Fault): string | undefined {
  switch (kind) {
    case 'capability-denied':
      return grantFor(subject);
    case 'deadline':
      return 'limits: { deadlineMs: … }, the longest that a call may take';
    case 'memory-limit':
      return 'limits: { memoryMiB: … }, all of its memory together';
    default:
      return undefined;
  }
}

function grantFor(subject: string): string | undefined {
  const [, direction, topic] = /^messaging\.(publish|subscribe) (.+)$/.exec(subject) ?? [];
  if (direction !== undefined) return `grants: { messaging: { ${direction}: ['${topic}'] } }`;
  const [, store] = /^keyvalue ([a-z0-9-]+)$/.exec(subject) ?? [];
  if (store !== undefined) return `grants: { keyvalue: [{ store: ${store}, maxBytes: 65536 }] }`;
  const [, chip, line] = /^gpio (\d+)\/(\d+)$/.exec(subject) ?? [];
  if (line !== undefined) return `grants: { gpio: [{ chip: ${chip}, line: ${line}, direction: … }] }`;
  const [, bus, address] = /^i2c (\d+)\/(0x[0-9a-f]+)$/.exec(subject) ?? [];
  if (address !== undefined) return `grants: { i2c: [{ bus: ${bus}, address: ${address}, access: … }] }`;
  const [, device] = /^serial (\S+)$/.exec(subject) ?? [];
  if (device !== undefined) return `grants: { serial: [{ device: ${device}, baud: … }] }`;
  // A use of an interface that was not granted: `wasi:clocks/wall-clock@0.2.12#now`.
  const [refusal] = subject.includes('#') ? refusals([subject.replace(/#.*$/, '')], {}) : [];
  return refusal?.grant === undefined ? undefined : `grants: { ${LEAST[refusal.grant]} }`;
}
