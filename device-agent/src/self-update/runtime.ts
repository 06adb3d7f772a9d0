/** The runtime of guests, but for the one app that is the agent itself. */
import { AGENT_APP, FaultError } from '@wafer/protocol';
import { isAgentBundle } from '@wafer/protocol/agent-bundle';
import type { Runtime } from '../apps/runtime.ts';
import type { OwnRelease } from './own-release.ts';

export function withOwnRelease(guests: Runtime, own: OwnRelease): Runtime {
  return {
    ...guests,
    prepare: (digest, bytes, limits, signal) =>
      isAgentBundle(bytes) ? own.prepare(digest, bytes) : guests.prepare(digest, bytes, limits, signal),
    swap: (spec, prepared, onStage = () => undefined, cause = 'release') =>
      spec.app === AGENT_APP
        ? own.swap(spec, prepared, onStage, cause)
        : guests.swap(spec, prepared, onStage, cause),
    soakFigures: (app) => (app === AGENT_APP ? undefined : guests.soakFigures(app)),
    settle: async (app) => (app === AGENT_APP ? undefined : guests.settle(app)),
    // The one before is no instance that is warm: it is started, as after a boot.
    rollback: async (app, carryState) => {
      if (app === AGENT_APP) throw new FaultError('unhealthy', 'an agent goes back by being started again');
      return guests.rollback(app, carryState);
    },
    stop: async (app) => (app === AGENT_APP ? own.stop() : guests.stop(app)),
    deliver: async (app, topic, payload) => {
      if (app !== AGENT_APP) await guests.deliver(app, topic, payload);
    },
    probe: async (app) => {
      if (app !== AGENT_APP) await guests.probe(app);
    },
  };
}
