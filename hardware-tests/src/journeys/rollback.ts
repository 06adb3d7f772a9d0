/** A release that does not prove itself is replaced by the one before it, without help, and the server learns why. */
import { ACTOR, actorManifest, variant } from './guests.ts';
import { must, type Journey } from './journey.ts';

const QUICK = { soakMs: 30_000, probeEveryMs: 300, maxLatencyPercent: 1_000_000 };

/** What is wrong with each, told by its configuration. */
const BAD = {
  'at its probe': { config: { check: 'refuse' }, health: { ...QUICK, probeWithinMs: 300 } },
  'in its soak': {
    config: { tick: 'refuse' },
    triggers: { everyMs: 200 },
    health: { ...QUICK, probeWithinMs: 20_000 },
  },
} as const;

export const rollback: Journey = {
  name: 'rollback',
  async run(scene) {
    const answers: Record<string, string> = {};
    const counted = async () =>
      JSON.parse(await scene.ask('actor', 'count')) as { count: number; release: string };
    let minor = 0;
    for (const [when, manifest] of Object.entries(BAD)) {
      const before = await counted();
      minor += 1;
      const version = `3.${minor}.0`;
      const component = variant(ACTOR, version);
      await scene.publish({ app: 'actor', version, component, manifest: actorManifest(version, manifest) });
      const { fault, runningVersion } = await scene.outcome('actor', version, 'ROLLED_BACK');
      must(fault !== null, `${version} went back and nobody knows why`);
      const after = await counted();
      must(
        after.release === before.release,
        `${after.release} answers, and ${before.release} was there before`,
      );
      must(after.count > before.count, 'what the release before had counted was lost');
      answers[when] = `${fault.kind}, runs ${runningVersion}`;
    }
    return answers;
  },
};
