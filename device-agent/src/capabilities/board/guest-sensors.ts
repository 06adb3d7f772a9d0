/** wafer:board/sensors — what the kernel's own drivers measure, by the device that a grant names. */
import { grantName } from '@wafer/protocol/grant-names';
import { WitError } from '../host.ts';
import { shown, type BoardHost } from './board-host.ts';
import type { Reading } from './sensors.ts';

type SensorError = { tag: 'denied' | 'absent' } | { tag: 'failed'; val: string };

const failure = (error: SensorError): WitError<SensorError> => new WitError(error);

export function createSensors({ host, line, deny }: BoardHost): Record<string, object> {
  const grants = host.grants.sensors ?? [];

  const read = (device: string): readonly Reading[] => {
    const grant = grants.find((each) => each.device === device);
    if (grant === undefined) {
      deny(`sensors ${shown(device)}`, `The guest read the sensor ${shown(device)}, which no grant names.`);
      throw failure({ tag: 'denied' });
    }
    host.used(grantName.sensors(grant));
    const reply = line.ask({ ask: 'sense', kind: grant.kind, device });
    if (reply.status === 'sensed') return reply.readings;
    if (reply.status !== 'error') throw new Error(`a sensor was answered ${reply.status}`);
    // What the file system says may name paths of the board, which are no business of the guest.
    if (reply.code === 'failed') throw failure({ tag: 'failed', val: reply.message });
    throw failure(reply.code === 'ENOENT' ? { tag: 'absent' } : { tag: 'failed', val: reply.code });
  };

  return { 'wafer:board/sensors': { read } };
}
