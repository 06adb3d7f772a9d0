/** The line is dead for a while: guests go on, and what was ordered meanwhile is done when it is back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ACTOR, actorManifest, variant } from './guests.ts';
import { must, type Journey } from './journey.ts';

const TICKS = { everyMs: 200 };
const AWAY_MS = 4000;

export const offline: Journey = {
  name: 'offline and back',
  async run(scene) {
    const release = (version: string) => ({
      app: 'lonely',
      version,
      component: variant(ACTOR, 'lonely'),
      manifest: actorManifest(version, { triggers: TICKS }),
    });
    const counted = async () =>
      JSON.parse(await scene.ask('lonely', 'count')) as { count: number; release: string };
    await scene.install(release('1.0.0'));
    const before = await counted();

    scene.gateway.cut(true);
    await scene.until('the server sees that the board is offline', ({ online }) => !online || undefined);
    await scene.publish(release('1.1.0'));
    await sleep(AWAY_MS);
    const { apps } = await scene.fleet.device(scene.device);
    const state = apps.find(({ app }) => app === 'lonely')?.execution?.state;
    must(state === 'QUEUED', `the order to a board that is offline is ${state}`);

    scene.gateway.cut(false);
    await scene.outcome('lonely', '1.1.0', 'SUCCEEDED', 60_000);
    const after = await counted();
    const least = before.count + AWAY_MS / TICKS.everyMs / 2;
    must(
      after.count > least,
      `it counted from ${before.count} to ${after.count} while the board was offline`,
    );
    return { 'meanwhile ordered': state, 'runs now': after.release };
  },
};
