/**
 * The closed list of what can go wrong with an app on a device. A fault is data, not prose: gates
 * count by kind, so a new kind is a change of the protocol.
 */
import { z } from 'zod';

export const FAULT_KINDS = [
  'link', // the server or the broker could not be reached, or stopped answering
  'disk', // full, read-only or failing
  'signature', // a signature or a chain of them did not verify
  'expired', // signed, but past its expiry
  'digest', // the bytes are not those that were signed
  'incompatible', // no world that this agent runs, or an import that it does not know
  'capability-denied', // a use, or an import, that no grant covers
  'policy', // beyond what the board's owner allows
  'prepare', // the component could not be made runnable
  'trap', // the guest trapped or threw
  'memory-limit', // the guest needed more memory than its limit
  'deadline', // a call did not return in time
  'calls-limit', // more calls per second than its limit: they waited
  'queue-limit', // more calls waited for the guest than may: they were turned away
  'log-limit', // it logged more than its limit: lines were dropped
  'store-limit', // a key-value store reached its quota
  'messages-limit', // it sent more messages or requests than its limit
  'bytes-limit', // it sent more bytes than its limit
  'probe-failed', // the health probe after start said no
  'unhealthy', // the soak saw the release do worse than its health rule allows
  'crash-loop', // it failed too often to be tried again now
] as const;

export const FaultKind = z.enum(FAULT_KINDS);
export type FaultKind = z.infer<typeof FaultKind>;

export const Fault = z.object({
  kind: FaultKind,
  /** For people: what happened, to what, and what to do. At most 2,000 characters. */
  message: z.string().max(2000),
  /** The capability, path, host, topic or limit concerned, where there is one. */
  subject: z.string().max(300).optional(),
});
export type Fault = z.infer<typeof Fault>;

/**
 * Whether a fault of a running guest says that its release is worse than the one before, so that it counts
 * against the release while it soaks. What limits hold back does not: how much comes in, and how much a
 * guest says, change with the day; nor does what the board, the link or the server did. A release that is
 * slower, hungrier or turns more calls away for it is found by comparing (HealthRule).
 */
const SPEAKS_AGAINST: Readonly<Record<FaultKind, boolean>> = {
  link: false, // the network's
  disk: false, // the board's
  signature: false, // these five are found before anything runs
  expired: false,
  digest: false,
  policy: false,
  incompatible: true, // it does not export what it is called for
  'capability-denied': true, // it needs what it was not granted
  prepare: true, // it cannot be made anew in an isolate
  trap: true,
  'memory-limit': true,
  deadline: true,
  'calls-limit': false, // others call too often; all are answered late
  'queue-limit': false, // others call too often for too long
  'log-limit': false, // it talks too much; lines are dropped
  'store-limit': false, // what it keeps has grown
  'messages-limit': false, // it was told so, and goes on
  'bytes-limit': false,
  'probe-failed': true,
  unhealthy: true,
  'crash-loop': true,
};

/** What others send to an app that may not have it is no doing of its release. */
export const speaksAgainstRelease = ({ kind, subject }: Fault): boolean =>
  SPEAKS_AGAINST[kind] && !(kind === 'capability-denied' && subject?.startsWith('messaging.subscribe '));

/** Thrown by the agent's rooms; everything else that is thrown there is a defect of the agent. */
export class FaultError extends Error {
  override readonly name = 'FaultError';
  readonly fault: Fault;

  constructor(kind: FaultKind, message: string, subject?: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = {
      kind,
      message: message.slice(0, 2000),
      ...(subject === undefined ? {} : { subject: subject.slice(0, 300) }),
    };
  }
}
