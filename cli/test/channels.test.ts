import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Person, signedIn } from './person.ts';
import { view } from './rollout-views.ts';

const stable = {
  name: 'stable',
  apps: [{ app: 'thermo', version: '1.0.0', since: '2026-11-21T09:00:00.000Z' }],
  devices: 3,
};

let person: Person;
beforeEach(async () => {
  person = await signedIn();
  person.server.intercept = (request, path) => {
    if (request.method !== 'GET') return undefined;
    if (path === '/channels') return { status: 200, body: { items: [stable] } };
    if (!path.startsWith('/rollouts?')) return undefined;
    const isPaused = path.includes('channel=stable') && path.includes('state=PAUSED');
    return { status: 200, body: { items: isPaused ? [view('PAUSED')] : [] } };
  };
});
afterEach(() => person.leave());

it('channels are listed by either name of the command', async () => {
  for (const words of [['channels'], ['channel', 'list']]) {
    expect((await person.wafer(...words)).stdout).toMatch(/stable +3 +thermo 1\.0\.0/);
    expect((await person.wafer(...words, '--json')).json()).toEqual([stable]);
  }
});

it('a channel is shown with its apps and the rollouts that are about it', async () => {
  const run = await person.wafer('channel', 'show', 'stable');
  expect(run.stdout).toMatch(/thermo +1\.0\.0 +2026[^]*\n3 +thermo 1\.1\.0 +PAUSED +10/);
  expect((await person.wafer('channel', 'show', 'stable', '--json')).json()).toMatchObject({
    ...stable,
    rollouts: [{ number: 3, state: 'PAUSED' }],
  });
});

it('a channel that there is not is said to be none', async () => {
  expect(await person.wafer('channel', 'show', 'beta')).toMatchObject({
    exit: 4,
    stderr: 'error channel.not-found: There is no channel beta.\n',
  });
});

it('a channel is moved, and the answer is one JSON value', async () => {
  expect((await person.wafer('channel', 'move', 'stable', 'thermo', '1.1.0', '--json')).json()).toEqual({
    channel: 'stable',
    app: 'thermo',
    version: '1.1.0',
    devices: 1,
  });
  expect(person.server.channels.get('stable/thermo')).toMatchObject({ version: '1.1.0' });
});
