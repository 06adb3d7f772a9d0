/** Rollouts as a server answers them, for tests. */
import { actionsIn, RolloutView, type RolloutState, type WaveCounts, type WaveState } from '@wafer/protocol';

export const ID = '6e1f1d0a-6c3c-4d0e-9a53-0d0f3f1a7c11';
/** When the clock of a person in tests begins. */
export const AT = '2026-11-21T09:00:00.000Z';

const counts = (some: Partial<WaveCounts> = {}): WaveCounts => ({
  devices: 10,
  waiting: 10 - (some.started ?? 0) - (some.succeeded ?? 0) - (some.failed ?? 0),
  started: 0,
  succeeded: 0,
  failed: 0,
  withdrawn: 0,
  causes: {},
  ...some,
});

interface Shown {
  readonly reason?: string | null;
  readonly wave?: WaveState;
  readonly counts?: Partial<WaveCounts>;
  readonly gate?: object;
  readonly more?: Partial<RolloutView>;
}

/** Of one wave. */
export function view(state: RolloutState, shown: Shown = {}): RolloutView {
  const { reason = null, gate = {}, more = {} } = shown;
  const wave = shown.wave ?? (reason === null ? 'RUNNING' : 'TRIPPED');
  return RolloutView.parse({
    id: ID,
    number: 3,
    name: 'thermo 1.1.0',
    channel: 'stable',
    state,
    reason,
    actions: actionsIn(state, [{ state: wave }]),
    targets: [{ app: 'thermo', version: '1.1.0', from: '1.0.0', gains: [], loses: [] }],
    movesChannel: true,
    waves: [
      {
        state: wave,
        since: AT,
        reason,
        name: '5 of each architecture',
        devices: { of: 'architecture', each: 5 },
        gate,
        counts: counts(shown.counts ?? { started: 2, succeeded: 3, failed: 1, causes: { trap: 1 } }),
      },
    ],
    comparison: null,
    devices: 10,
    inFlight: 100,
    windows: [],
    blackouts: [],
    startAt: null,
    deadline: null,
    created: AT,
    createdBy: 'user:admin',
    approvedBy: null,
    reverts: null,
    updated: AT,
    revision: 4,
    ...more,
  });
}
