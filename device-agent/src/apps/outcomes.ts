/** How calls end, as faults. */
import { FaultError, type FaultKind } from '@wafer/protocol';
import type { GuestCall, Outcome } from './port.ts';

export const faultOf = (kind: FaultKind, message: string): FaultError => new FaultError(kind, message);

export const whyItFell = (outcome: Extract<Outcome, { status: 'exit' | 'fault' }>): FaultError =>
  outcome.status === 'fault'
    ? new FaultError(outcome.kind, outcome.message, outcome.subject)
    : new FaultError(
        'trap',
        `The guest ended itself with exit code ${outcome.code}.`,
        `exit ${outcome.code}`,
      );

/** The guest answered the `err` case of its result. */
export const answeredError = (name: GuestCall['name'] | undefined, message: string): FaultError =>
  name === 'check'
    ? faultOf('probe-failed', `The guest's health check says: ${message}`)
    : faultOf('trap', `The guest's ${name} answered an error: ${message}`);

/** The same fault, with the call that it happened in. */
export const inCall = (name: GuestCall['name'] | undefined, { fault, message }: FaultError): FaultError =>
  new FaultError(fault.kind, name === undefined ? message : `In ${name}: ${message}`, fault.subject);
