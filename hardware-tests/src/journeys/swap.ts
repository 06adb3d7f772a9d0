/** A release replaces the one before under a stream of calls: each is answered, and the state goes along. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ACTOR, actorManifest, variant } from './guests.ts';
import { AppName, guestTopic } from '@wafer/protocol';
import { must, type Journey } from './journey.ts';

const CALL_EVERY_MS = 20;
/** Calls that wait for their answer at most: a slow board is called less often, and never left alone. */
const WAITING = 16;
/** Of the stream that goes on behind the switch, in calls. */
const TAIL = 20;

export const swap: Journey = {
  name: 'swap under load',
  async run(scene) {
    const replies = guestTopic(scene.device, AppName.parse('actor'), 'up', 'out/count');
    const before = (JSON.parse(await scene.ask('actor', 'count')) as { count: number }).count;
    const heard: { count: number; release: string }[] = [];
    const stop = scene.listen((topic, payload) => {
      if (topic === replies) heard.push(JSON.parse(payload.toString()) as (typeof heard)[number]);
    });
    let sent = 0;
    const timer = setInterval(() => {
      if (sent - heard.length >= WAITING) return;
      sent += 1;
      scene.tell('actor', 'do/count', '');
    }, CALL_EVERY_MS);
    try {
      const component = variant(ACTOR, '2.0.0');
      const release = { app: 'actor', version: '2.0.0', component, manifest: actorManifest('2.0.0') };
      await scene.publish(release);
      const { swap: figures } = await scene.outcome('actor', '2.0.0', 'SUCCEEDED');
      const deadline = Date.now() + scene.within();
      const until = sent + TAIL;
      while (sent < until && Date.now() < deadline) await sleep(CALL_EVERY_MS);
      clearInterval(timer);
      while (heard.length < sent && Date.now() < deadline) await sleep(20);

      must(heard.length === sent, `${sent - heard.length} of ${sent} calls were not answered`);
      must(figures?.lostCalls === 0, `the agent counts ${figures?.lostCalls} lost calls`);
      const missed = heard.findIndex(({ count }, index) => count !== before + 1 + index);
      must(missed === -1, `the state did not go along: call ${missed} has count ${heard[missed]?.count}`);
      const releases = heard.map((one) => one.release).filter((one, index, all) => one !== all[index - 1]);
      scene.say(`${sent} calls, all answered`);
      return { releases: releases.join(' → ') };
    } finally {
      clearInterval(timer);
      stop();
    }
  },
};
