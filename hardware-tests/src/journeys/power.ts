/**
 * The power goes at each stage of an install: whenever it does, the board comes back with the old release or
 * the new one, knows which, and finishes what it was told.
 */
import { EXECUTION_STAGES } from '@wafer/protocol';
import { ANSWERS, ANSWERS_MANIFEST, variant } from './guests.ts';
import { must, type Journey } from './journey.ts';

const SEED = 'after the power came back';

export const power: Journey = {
  name: 'power cut',
  async run(scene) {
    const answers: Record<string, string> = {};
    const release = (version: string, stage: string) => ({
      app: 'power',
      version,
      component: variant(ANSWERS, `power ${stage}`),
      manifest: ANSWERS_MANIFEST,
    });
    await scene.install(release('1.0.0', 'before'));
    let before = '1.0.0';
    for (const [index, stage] of EXECUTION_STAGES.entries()) {
      const version = `1.${index + 1}.0`;
      const reached = scene.stage('power', version, stage);
      await scene.publish(release(version, stage));
      await reached;
      await scene.cutPower();
      await scene.boot();
      const came = await scene.until(
        `the board runs something after a power cut at ${stage}`,
        ({ apps }) => apps.find(({ app, running }) => app === 'power' && running !== null)?.running?.version,
      );
      must(came === before || came === version, `${came} runs, which is neither ${before} nor ${version}`);
      await scene.outcome('power', version, 'SUCCEEDED');
      answers[stage] = await scene.ask('power', 'seed', SEED, 'answers');
      before = version;
    }
    return answers;
  },
};
