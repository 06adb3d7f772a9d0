/** A board without an identity gets one, once, and reaches the broker with it. */
import { must, type Journey } from './journey.ts';

export const enrol: Journey = {
  name: 'enrol',
  async run(scene) {
    const { rig, fleet } = scene;
    await rig.reach(Number(new URL(fleet.server.api).port));
    const claim = await fleet.mustWafer('claim', 'create', '--channel', 'stable');
    const args = ['enrol', String(claim['token']), '--server', fleet.server.api, '--data'];

    const first = await rig.agent([...args, scene.folder]);
    must(first.code === 0, `wafer-agent enrol ended with ${first.code}: ${first.errors.trim()}`);
    const { device } = JSON.parse(first.output) as { device: string };
    await scene.connectThroughGateway(device);

    const again = await rig.agent([...args, rig.folder('another')]);
    must(again.code === 1, `a token that was used enrolled again: ${again.output}`);

    await scene.boot();
    const { arch } = await scene.until('the board is online', (detail) =>
      detail.online && detail.inventory !== null ? detail : undefined,
    );
    must(arch === rig.arch, `the board says that it is ${arch}, and it is ${rig.arch}`);
    const status = await rig.agent(['status', '--data', scene.folder, '--json']);
    const { enrolled, running } = JSON.parse(status.output) as { enrolled: boolean; running: boolean };
    must(enrolled && running, `the agent's own status is ${status.output}`);
    return { again: again.errors.includes('token') ? 'refused' : again.errors };
  },
};
