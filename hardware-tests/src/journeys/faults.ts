/** What a guest does wrong is a fault with a kind of its own, and harms no other guest. */
import type { FaultKind } from '@wafer/protocol';
import { ANSWERS, ANSWERS_MANIFEST } from './guests.ts';
import { must, type Journey } from './journey.ts';

/** What the guest is asked to do → what that is called. */
const WRONGS: readonly (readonly [string, FaultKind])[] = [
  ['!trap', 'trap'],
  ['!grow', 'memory-limit'],
  ['!elsewhere', 'capability-denied'],
  ['!spin', 'deadline'],
];

const SEED = 'a neighbour that fails';

export const faults: Journey = {
  name: 'typed faults',
  async run(scene) {
    const answers: Record<string, string> = {};
    const sound = await scene.ask('answers', 'seed', SEED, 'answers');
    const limits = { memoryMiB: 8, deadlineMs: 3000 };
    const manifest = { ...ANSWERS_MANIFEST, limits, isolation: 'dedicated' };
    for (const [wrong, kind] of WRONGS) {
      const app = `culprit-${kind}`;
      await scene.install({ app, version: '1.0.0', component: ANSWERS, manifest });
      scene.tell(app, 'do/seed', wrong);
      const { subject } = await scene.fault(app, kind);
      answers[wrong] = `${kind}${subject === undefined ? '' : `: ${subject}`}`;
      must(
        (await scene.ask('answers', 'seed', SEED, 'answers')) === sound,
        `${kind} of ${app} changed a neighbour`,
      );
      await scene.askAgain(app, 'seed', SEED, 'answers');
    }
    return answers;
  },
};
