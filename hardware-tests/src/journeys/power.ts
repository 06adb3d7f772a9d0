/**
 * The power goes as each step of an install begins, and once more in its soak: whenever it does, the board
 * comes back with the old release or the new one, knows which, and finishes what it was told.
 */
import { ANSWERS, ANSWERS_MANIFEST, variant } from './guests.ts';
import { must, type Journey } from './journey.ts';
import type { Scene } from '../scene.ts';

/** Of the agent's vocabulary, in the order in which an install takes them. */
const STEPS = ['begin', 'fetch', 'prepare', 'swap', 'settle'] as const;

/** Long enough to be hit by what is seen from outside. */
const SOAK_MS = 4000;
const SEED = 'after the power came back';

const release = (version: string, when: string) => ({
  app: 'power',
  version,
  component: variant(ANSWERS, `power ${when}`),
  manifest: { ...ANSWERS_MANIFEST, health: { ...ANSWERS_MANIFEST.health, soakMs: SOAK_MS } },
});

async function soaks(scene: Scene, version: string): Promise<void> {
  await scene.until(`${version} soaks`, ({ apps }) => {
    const execution = apps.find(({ app }) => app === 'power')?.execution;
    return (execution?.version === version && execution.stage === 'soaking') || undefined;
  });
}

export const power: Journey = {
  name: 'power cut',
  async run(scene) {
    const answers: Record<string, string> = {};
    await scene.install(release('1.0.0', 'before'));
    let before = '1.0.0';
    for (const [index, when] of [...STEPS, 'soak'].entries()) {
      const version = `1.${index + 1}.0`;
      const publish = () => scene.publish(release(version, when));
      if (when === 'soak') {
        await publish();
        await soaks(scene, version);
      } else await scene.step('power', version, when, publish);
      await scene.cutPower();
      await scene.boot();
      const came = await scene.until(
        `the board runs something after a power cut at ${when}`,
        ({ apps }) => apps.find(({ app, running }) => app === 'power' && running !== null)?.running?.version,
      );
      must(came === before || came === version, `${came} runs, which is neither ${before} nor ${version}`);
      await scene.outcome('power', version, 'SUCCEEDED');
      // It may have said so before the power went, and be starting still.
      answers[when] = await scene.askAgain('power', 'seed', SEED, 'answers');
      before = version;
    }
    return answers;
  },
};
