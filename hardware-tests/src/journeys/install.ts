/** One component in C and one in JavaScript reach the board over MQTT, and answer as they do everywhere. */
import { ANSWERS, ANSWERS_MANIFEST, ACTOR, actorManifest } from './guests.ts';
import { must, type Answers, type Journey } from './journey.ts';

const SEEDS = ['', 'wafer', 'the same bytes on every board'];
/** What the engine within the component makes of it, and what the agent gives it. */
const ACTIONS: readonly (readonly [string, string])[] = [
  ['count', ''],
  ['mathematics', ''],
  ['depth', ''],
  ['set', '{"key":"board","text":"kept"}'],
  ['get', '{"key":"board"}'],
  ['list', ''],
  ['another', ''],
];

export const install: Journey = {
  name: 'install',
  async run(scene) {
    const answers: Record<string, string> = {};
    const digest = await scene.install({
      app: 'answers',
      version: '1.0.0',
      component: ANSWERS,
      manifest: ANSWERS_MANIFEST,
    });
    must(scene.gateway.delivered.chunks > 0, 'the component did not come over MQTT');
    const { apps } = await scene.fleet.device(scene.device);
    const runs = apps.find(({ app }) => app === 'answers')?.running?.digest;
    must(runs === digest, `the board runs ${runs}, and ${digest} was published`);
    for (const seed of SEEDS)
      answers[`numbers of ${seed || 'nothing'}`] = await scene.ask('answers', 'seed', seed, 'answers');

    const release = { app: 'actor', version: '1.0.0', component: ACTOR };
    await scene.install({ ...release, manifest: actorManifest('1.0.0') });
    for (const [action, payload] of ACTIONS) answers[action] = await scene.ask('actor', action, payload);
    return answers satisfies Answers;
  },
};
